import Common
import Description
import Foundation
import Interception
import Libvirt
import Testing

@testable import Configuration
@testable import Doctor
@testable import Netlink

/// What the doctor says of bridges and other links.
struct DoctorNetworkTests {
    private func check(
        _ interface: String, _ links: Link..., configure: (inout Configuration) -> Void = { _ in }
    ) async throws -> (CheckResult, [Doctor.BridgedInterface]) {
        var configuration = Examples.doctor().configuration
        configure(&configuration)
        let doctor = Doctor(configuration: configuration, sources: Examples.sources(links))
        return doctor.checkNetwork(try await Examples.examined(Examples.xml(devices: interface), by: doctor))
    }

    private func card(_ source: String, _ type: String = "bridge") -> String {
        "<interface type='\(type)'><mac address='52:54:00:00:00:01'/>\(source)</interface>"
    }

    @Test func `an Open vSwitch bridge is served, by MAC address alone, and outside of VLANs`() async throws {
        let port = "<source bridge='ovsbr0'/><virtualport type='openvswitch'/>"
        let (result, usable) = try await check(card(port), Examples.link("ovsbr0", "openvswitch"))
        #expect(result.diagnoses.map(\.severity) == [.warning] && usable.count == 1)
        let problem =
            "ovsbr0 is an Open vSwitch bridge: its guests are identified by their MAC addresses alone, so a guest that uses another "
            + "guest's MAC address can read that guest's metadata"
        #expect(result.diagnoses.map(\.problem) == [problem])
        let (tagged, none) = try await check(
            card(port + "<vlan><tag id='193'/></vlan>"), Examples.link("ovsbr0", "openvswitch"))
        #expect(tagged.diagnoses.map(\.severity) == [.error] && none.isEmpty)
        #expect(tagged.firstProblem.contains("is in VLAN 193 of ovsbr0, an Open vSwitch bridge: requests from this interface "))
    }

    @Test func `another link is served if the operator names it`() async throws {
        let (result, usable) = try await check(card("<source bridge='eth5'/>"), Examples.link("eth5", nil))
        #expect(result.diagnoses.map(\.severity) == [.error] && usable.isEmpty)
        #expect(result.firstProblem == "eth5 is not a Linux bridge; guests on other links are not served")
        let (named, served) = try await check(card("<source bridge='eth5'/>"), Examples.link("eth5", nil)) {
            $0.interception.selection.bridges = ["eth5"]
        }
        #expect(named.diagnoses.map(\.severity) == [.warning] && served.count == 1)
    }

    @Test func `a bridge that filters VLANs has to be in the guest's`() async throws {
        let bridge = Examples.link("br0", filtersVLANs: true)
        let (plain, usable) = try await check(card("<source bridge='br0'/>"), bridge)
        #expect(plain.diagnoses.map(\.severity) == [.note] && usable.count == 1)
        let (tagged, _) = try await check(card("<source bridge='br0'/><vlan><tag id='193'/></vlan>"), bridge)
        #expect(tagged.diagnoses.map(\.severity) == [.warning])
        #expect(tagged.firstRemedy == "if the bridge is not in this VLAN: sudo bridge vlan add dev br0 vid 193 self untagged")
    }

    @Test(arguments: ["udp", "server", "client", "mcast", "internal", "direct", "hostdev", "user", "vdpa", "null"])
    func `a kind of interface that no bridge sees is named`(type: String) async throws {
        let (result, usable) = try await check(card("<source address='127.0.0.1' port='1' name='x'/>", type))
        #expect(result.diagnoses.map(\.severity) == [.error] && usable.isEmpty)
        #expect(result.firstProblem.contains("its requests pass no bridge, so it is not served"))
        #expect(result.firstRemedy.contains("net-start") == false)
    }

    @Test func `a tap that somebody plugged in is served where its bridge is`() async throws {
        let (result, usable) = try await check(card("<target dev='tapvm1' managed='no'/>", "ethernet"))
        #expect(result.diagnoses.map(\.severity) == [.error] && usable.isEmpty)
        #expect(result.firstProblem.contains("it is served only while its tap 'tapvm1' is a port of a served bridge"))
    }

    // MARK: The host

    /// A node of libvirt's test driver with this many domains, on as many bridges as there are tens.
    private func node(_ count: Int) throws -> String {
        let domains = (0..<count).map { number in
            let digits = String(number, radix: 16)
            let padded = String(repeating: "0", count: 4 - digits.count) + digits
            return """
                <domain type='test'><name>d\(number)</name><uuid>\(padded)7f1e-32a5-4f4e-9a3c-0e5a3f1c2b00</uuid>
                <metadata><instance xmlns='urn:virt-metadata:instance:1'><hostname>a</hostname></instance></metadata>
                <memory>65536</memory><os><type>hvm</type></os><devices><interface type='bridge'>
                <mac address='52:54:00:00:\(padded.prefix(2)):\(padded.suffix(2))'/><source bridge='br\(number / 10)'/></interface></devices></domain>
                """
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml").path
        try "<node>\(domains.joined())</node>".write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test(arguments: [20, 400]) func `a host is examined by one connection and one dump of the rules`(count: Int) async throws {
        let path = try node(count)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let readings = Readings()
        let links = (0..<count / 10).map { Examples.link("br\($0)") }
        let doctor = Examples.doctor(Examples.sources(links, readings), uri: "test://" + path)
        let report = await doctor.examineHost()
        #expect(report.domains.count == count && report.domains.allSatisfy(\.isEnabled))
        // Each domain came as far as the firewall.
        #expect(report.domains.allSatisfy { $0.checks.first { $0.name == "firewall" }?.skipped == nil })
        #expect(readings["connections"] == 1)
        #expect(readings["rules"] == 1)
        #expect(readings["links"] == links.count)
    }

    @Test func `one domain is examined by one connection too`() async throws {
        let path = try node(30)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let readings = Readings()
        let doctor = Examples.doctor(Examples.sources([Examples.link("br0")], readings), uri: "test://" + path)
        let checks = await doctor.examine("d3")
        #expect(checks.map(\.name) == Doctor.checks)
        #expect(readings["connections"] == 1)
        #expect(readings["rules"] == 1)
        #expect(readings["links"] == 1)
    }
}
