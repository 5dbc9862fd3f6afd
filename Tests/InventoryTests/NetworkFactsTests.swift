import Common
import Libvirt
import Testing
import XML

@testable import Description
@testable import Inventory

@Suite struct NetworkFactsTests {
    private typealias Facts = NetworkFacts<ContinuousClock.Instant>

    private let now = ContinuousClock.now

    private func network(
        _ name: String = "default", bridge: String = "virbr0",
        dhcp: String = "<dhcp><range start='192.0.2.2' end='192.0.2.9'/></dhcp>"
    ) throws -> NetworkXML {
        let xml = """
            <network><name>\(name)</name><bridge name='\(bridge)'/><ip address='192.0.2.1' prefix='24'>\(dhcp)</ip></network>
            """
        return try NetworkXML(InstanceAssembly.document(Array(xml.utf8)).root)
    }

    private func lease(_ mac: UInt64, _ address: UInt32, expires: Int64 = 1) -> Lease {
        Lease(mac: MACAddress(bits: mac), address: IPAddress(v4: address), hostname: nil, expires: expires)
    }

    @Test func `a network has changed at first, and whenever its XML differs`() throws {
        var facts = Facts()
        #expect(try facts.update(network()))
        #expect(try !facts.update(network()))
        #expect(try facts.update(network(bridge: "virbr1")))
        #expect(facts.names == ["default"] && facts.networks["default"]?.bridge == "virbr1")
    }

    @Test func `leases are due once every five seconds, whether the last reading succeeded or not`() throws {
        var facts = Facts()
        #expect(!facts.areLeasesDue(of: "default", at: now), "no such network")
        _ = try facts.update(network())
        #expect(facts.areLeasesDue(of: "default", at: now))
        facts.beginReadingLeases(of: "default", at: now)
        #expect(!facts.areLeasesDue(of: "default", at: now + .milliseconds(4_999)))
        #expect(facts.areLeasesDue(of: "default", at: now + .seconds(5)))
    }

    @Test func `a network without DHCP has no leases to read`() throws {
        var facts = Facts()
        _ = try facts.update(network(dhcp: ""))
        #expect(!facts.hasLeases("default"))
        #expect(!facts.areLeasesDue(of: "default", at: now))
    }

    @Test func `only hardware addresses with another address than before have changed`() {
        var facts = Facts()
        let changed = { (leases: Lease...) in facts.replaceLeases(of: "default", by: leases) }
        #expect(changed(lease(1, 10), lease(2, 20)) == [MACAddress(bits: 1), MACAddress(bits: 2)])
        #expect(changed(lease(2, 20), lease(1, 10)).isEmpty)
        #expect(changed(lease(1, 11), lease(2, 20)) == [MACAddress(bits: 1)])
        #expect(changed(lease(1, 11)) == [MACAddress(bits: 2)], "expired")
        #expect(facts.leases["default"] == [MACAddress(bits: 1): [IPAddress(v4: 11)]])
    }

    @Test func `of two leases of one hardware address the last to expire counts`() {
        var facts = Facts()
        _ = facts.replaceLeases(of: "default", by: [lease(1, 10, expires: 9), lease(1, 11, expires: 8)])
        #expect(facts.leases["default"]?[MACAddress(bits: 1)] == [IPAddress(v4: 10)])
        // 0 is never.
        _ = facts.replaceLeases(of: "default", by: [lease(1, 10, expires: 9), lease(1, 11, expires: 0)])
        #expect(facts.leases["default"]?[MACAddress(bits: 1)] == [IPAddress(v4: 11)])
    }

    @Test func `each family has a lease of its own, the one of IPv4 first`() throws {
        var facts = Facts()
        let address = try #require(IPAddress("fd00::7"))
        let other = Lease(mac: MACAddress(bits: 1), address: address, hostname: nil, expires: 99)
        #expect(facts.replaceLeases(of: "default", by: [other, lease(1, 10)]) == [MACAddress(bits: 1)])
        #expect(facts.leases["default"]?[MACAddress(bits: 1)] == [IPAddress(v4: 10), address])
        #expect(facts.replaceLeases(of: "default", by: [lease(1, 10)]) == [MACAddress(bits: 1)], "one of them has expired")
    }

    @Test func `the leases of an IPv6 network, and of one that leases to single guests, are read`() throws {
        for ranges in [
            "<ip family='ipv6' address='fd00::1' prefix='64'><dhcp><range start='fd00::2' end='fd00::9'/></dhcp></ip>",
            "<ip address='192.0.2.1' prefix='24'><dhcp><host mac='52:54:00:00:00:01' ip='192.0.2.7'/></dhcp></ip>",
        ] {
            var facts = Facts()
            let xml = Array("<network><name>n</name><bridge name='virbr0'/>\(ranges)</network>".utf8)
            _ = try facts.update(NetworkXML(InstanceAssembly.document(xml).root))
            #expect(facts.hasLeases("n"))
        }
    }

    @Test func `a removed network loses its leases, which may be read at once when it returns`() throws {
        var facts = Facts()
        _ = try facts.update(network())
        facts.beginReadingLeases(of: "default", at: now)
        _ = facts.replaceLeases(of: "default", by: [lease(1, 10)])
        let removals = [facts.remove("default"), facts.remove("default")]
        #expect(removals == [true, false])
        #expect(facts.names.isEmpty && facts.leases.isEmpty)
        #expect(try facts.update(network()))
        #expect(facts.areLeasesDue(of: "default", at: now))
    }
}
