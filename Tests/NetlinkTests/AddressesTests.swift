import Common
import Glibc
import TestSupport
import Testing

@testable import Host
@testable import Netlink

private let metadata = IPAddress(v4: 0xA9FE_A9FE)

struct LinkAddressTests {
    private func message(type: Int = 20, family: UInt8 = 2, prefix: UInt8 = 24, _ attributes: [UInt8]) -> Netlink.Message {
        Netlink.Message(type: type, sequence: 1, content: ([family, prefix, 0x80, 253, 3, 0, 0, 0] + attributes)[...])
    }

    @Test func `on a point-to-point link the own address counts`() throws {
        let both = WrittenAnswer.attribute(1, [10, 9, 0, 2]) + WrittenAnswer.attribute(2, [10, 9, 0, 1])
        let expected = LinkAddress(IPAddress(v4: 0x0A09_0001), prefixLength: 24, interface: 3, scope: .link)
        #expect(try LinkAddress(message(both), "X") == expected)
        #expect(try LinkAddress(message(WrittenAnswer.attribute(1, [10, 9, 0, 1])), "X") == expected)
    }

    @Test func `another family is skipped, and a wrong length is malformed`() throws {
        #expect(try LinkAddress(message(family: 7, []), "X") == nil)
        #expect(throws: KernelError(.malformedAnswer, in: "X")) { try LinkAddress(message([]), "X") }
        #expect(throws: KernelError(.malformedAnswer, in: "X")) {
            try LinkAddress(message(family: 10, WrittenAnswer.attribute(1, [10, 9, 0, 1])), "X")
        }
        #expect(throws: KernelError(.foreignAnswer, in: "X")) { try LinkAddress(message(type: 16, []), "X") }
    }

    @Test func `a route counts if it covers the address, is not a default, and delivers packets`() throws {
        func uses(length: UInt8, type: UInt8 = 1, _ attributes: [UInt8]) throws -> [AddressUse] {
            let fixed: [UInt8] = [2, length, 0, 0, 254, 0, 0, type, 0, 0, 0, 0]
            let message = Netlink.Message(type: 24, sequence: 1, content: (fixed + attributes)[...])
            return try AddressUse.routes(in: message, to: metadata, "X")
        }
        let link = WrittenAnswer.attribute(4, [5, 0, 0, 0])
        #expect(
            try uses(length: 32, WrittenAnswer.attribute(1, [169, 254, 169, 254]) + link) == [
                .route(interface: 5, prefixLength: 32)
            ])
        #expect(
            try uses(length: 16, WrittenAnswer.attribute(1, [169, 254, 0, 0]) + link) == [.route(interface: 5, prefixLength: 16)])
        #expect(try uses(length: 17, WrittenAnswer.attribute(1, [169, 254, 0, 0]) + link) == [])
        #expect(try uses(length: 0, link) == [])
        #expect(try uses(length: 16, type: 7, WrittenAnswer.attribute(1, [169, 254, 0, 0]) + link) == [])
        let ways = WrittenAnswer.attribute(9, [8, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0])
        #expect(try uses(length: 16, WrittenAnswer.attribute(1, [169, 254, 0, 0]) + ways).map(\.interface) == [6, 7])
        let endless = WrittenAnswer.attribute(9, [0, 0, 0, 0, 6, 0, 0, 0])
        #expect(try uses(length: 16, WrittenAnswer.attribute(1, [169, 254, 0, 0]) + endless) == [])
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct AddressesOfANamespaceTests {
    let host: NetworkNamespace
    let bridge: Int32
    let other: Int32

    init() throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        try host.addBridge("br1")
        bridge = try #require(try host.enter { try Links.index(ofInterface: "br0") })
        other = try #require(try host.enter { try Links.index(ofInterface: "br1") })
        self.host = host
    }

    @Test(arguments: [("169.254.169.254", 32), ("fe80::a9fe:a9fe", 64), ("fd00:ec2::254", 128)])
    func `an address is added, listed, usable at once, and removed`(text: String, prefix: Int) throws {
        let bridge = bridge
        let wanted = LinkAddress(try #require(IPAddress(text)), prefixLength: prefix, interface: bridge)
        try host.enter { try Addresses.add(wanted) }
        let shown = try host.run("ip", "-o", "address", "show", "br0").split(separator: "\n")
        let line = try #require(shown.first { $0.contains("\(text)/\(prefix)") })
        #expect(!line.contains("tentative"))
        let listed = try host.enter { try Addresses.all(ofInterface: bridge) }
        let match = try #require(listed.first { $0.address == wanted.address })
        #expect(match.prefixLength == prefix)
        if wanted.address.family == .v4 { #expect(match.scope == .host) }
        try host.enter { () throws in
            #expect(throws: KernelError(.alreadyThere, in: "RTM_NEWADDR")) { try Addresses.add(wanted) }
            try Addresses.remove(wanted)
            #expect(throws: KernelError(.addressNotAvailable, in: "RTM_DELADDR")) { try Addresses.remove(wanted) }
        }
        #expect(try !host.run("ip", "address", "show", "br0").contains(text))
    }

    @Test func `a missing link and one without IPv6 give different errors`() throws {
        try host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/br1/disable_ipv6")
        let other = other
        try host.enter { () throws in
            for address in [metadata, IPAddress("fd00:ec2::254")].compactMap({ $0 }) {
                #expect(throws: KernelError(.noSuchDevice, in: "RTM_NEWADDR")) {
                    try Addresses.add(LinkAddress(address, prefixLength: 32, interface: 4711))
                }
            }
            let v6 = LinkAddress(try #require(IPAddress("fd00:ec2::254")), prefixLength: 128, interface: other)
            #expect(throws: KernelError(.accessDenied, in: "RTM_NEWADDR")) { try Addresses.add(v6) }
            let disabled = try ["br0", "br1", "nolink", "", "..", "../br0", "a\0b"].map {
                try IPv6Support.isDisabled(onInterface: $0)
            }
            #expect(disabled == [false, true, true, true, true, true, true])
        }
    }

    @Test func `a guest on the bridge reaches an address of host scope`() throws {
        let guest = try NetworkNamespace()
        _ = try GuestLink(from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09", addresses: ["10.9.0.2/24"])
        try host.run("ip", "address", "add", "10.9.0.1/24", "dev", "br0")
        try guest.run("ip", "route", "add", "169.254.169.254/32", "dev", "eth0")
        let bridge = bridge
        try host.enter { try Addresses.add(LinkAddress(metadata, prefixLength: 32, interface: bridge)) }
        let knock = try Command.run(["timeout", "4", "bash", "-c", "exec 3<>/dev/tcp/169.254.169.254/9"], in: guest.name)
        #expect(knock.stderr.contains("refused"), "the host answers, though nothing listens there")
    }

    @Test func `the host's own use of the address is found on other links`() throws {
        let (bridge, other) = (bridge, other)
        let uses = { @Sendable in try AddressUse.all(of: metadata, except: [bridge]) }
        try host.run("ip", "address", "add", "10.8.0.1/24", "dev", "br1")
        try host.run("ip", "route", "add", "default", "via", "10.8.0.2")
        try host.enter { try Addresses.add(LinkAddress(metadata, prefixLength: 32, interface: bridge)) }
        #expect(try host.enter(uses) == [], "a default route and our own address are none")
        try host.run("ip", "route", "add", "169.254.0.0/16", "dev", "br1", "table", "77")
        #expect(try host.enter(uses) == [.route(interface: other, prefixLength: 16)])
        try host.run("ip", "route", "flush", "table", "77")
        try host.run("ip", "neighbour", "add", "169.254.169.254", "lladdr", "52:54:00:00:00:07", "dev", "br1")
        #expect(try host.enter(uses) == [.neighbour(interface: other, mac: MACAddress(bits: 0x5254_0000_0007))])
        try host.run("ip", "neighbour", "flush", "dev", "br1")
        try host.run("ip", "address", "add", "169.254.169.254/16", "dev", "br1")
        #expect(try host.enter(uses).contains(.address(interface: other)))
        #expect(try host.enter { try AddressUse.all(of: metadata, except: [bridge, other]) } == [])
    }

    @Test func `a guest's claim to have the address is no use of it by the host`() throws {
        let (guest, card) = (try NetworkNamespace(), "52:54:00:00:00:09")
        _ = try GuestLink(from: guest, to: "br1", in: host, mac: card, addresses: ["10.8.0.9/24", "169.254.169.254/32"])
        let (other, uses) = (other, { @Sendable in try AddressUse.all(of: metadata, except: []) })
        try host.run("ip", "address", "add", "10.8.0.1/24", "dev", "br1")
        let claim = { @Sendable in
            _ = try guest.run("ip", "neighbour", "flush", "dev", "eth0")
            _ = try? guest.run("timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/10.8.0.1/9")
        }
        try guest.run("ip", "address", "del", "10.8.0.9/24", "dev", "eth0")
        try guest.run("ip", "route", "add", "10.8.0.0/24", "dev", "eth0", "src", "169.254.169.254")
        try claim()
        let entry = { try self.host.enter { try Neighbours().mac(of: metadata, onInterface: other) } }
        try #require(try entry() == MACAddress(card), "the claim is in the table")
        #expect(try host.enter(uses) == [])
        try host.run("ip", "route", "add", "default", "via", "10.8.0.2")
        #expect(try host.enter(uses) == [], "the host sends to a router, whatever guests say")
        try host.run("ip", "route", "add", "unreachable", "169.254.0.0/16")
        #expect(try host.enter(uses) == [], "the host does not send at all")
        try host.run("ip", "route", "flush", "169.254.0.0/16")
        try host.run("ip", "route", "replace", "default", "dev", "br1")
        #expect(try host.enter(uses).map(\.interface) == [other], "the host sends to who answers on this link")
        try host.run("ip", "tuntap", "add", "tap0", "mode", "tap")
        try host.run("ip", "link", "set", "tap0", "master", "br1")
        #expect(try host.enter(uses) == [], "guests can answer on this link")
    }

    @Test func `the process that listens on a port is found`() throws {
        let listener = try host.enter { try TCPSocket.listener() }
        let port = try listener.port()
        let holders = try host.enter { try PortHolder.all(ofPort: port) }
        #expect(holders.map(\.process) == [getpid()])
        #expect(holders.first?.name?.isEmpty == false)
        #expect(holders.first?.address == IPAddress("::"))
        #expect(try host.enter { try PortHolder.all(ofPort: port &+ 1) } == [])
        withExtendedLifetime(listener) {}
    }
}
