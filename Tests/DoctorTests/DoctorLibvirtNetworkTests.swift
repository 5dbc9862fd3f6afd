import Common
import Foundation
import Interception
import Libvirt
import Testing

@testable import Configuration
@testable import Doctor
@testable import Netlink

/// What the doctor says of libvirt's networks, and of domains that do not run because of them.
struct DoctorLibvirtNetworkTests {
    private static let mac = "52:54:00:00:00:01"

    private static func card(_ source: String, tap: String = "") -> String {
        "<interface type='network'><mac address='\(mac)'/><source \(source)/>\(tap)</interface>"
    }

    private static func doctor(_ uri: String = "test:///default", networks: [String] = [], _ links: Link...) -> Doctor {
        var configuration = Examples.doctor(uri: uri).configuration
        configuration.interception.selection.networks = networks
        return Doctor(configuration: configuration, sources: Examples.sources(links))
    }

    /// A node of libvirt's test driver with an active network `default`.
    private func withNode<Value>(_ domains: String, _ body: (String) async throws -> Value) async throws -> Value {
        let network = """
            <network><name>default</name><forward mode='nat'/><bridge name='virbr0'/>\
            <ip address='192.0.2.1' netmask='255.255.255.0'/></network>
            """
        let path = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml").path
        try "<node>\(network)\(domains)</node>".write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body("test://" + path)
    }

    private static func domain(
        _ devices: String, metadata: String = "<hostname>a</hostname>",
        tables: String = Examples.tables(("product", "OpenStack Nova")), isRunning: Bool = false
    ) -> String {
        """
        <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>web</name><uuid>\(Examples.uuid)</uuid>
        <metadata>\(metadata.isEmpty ? "" : "<instance xmlns='urn:virt-metadata:instance:1'>\(metadata)</instance>")</metadata>
        <memory>65536</memory><os><type>hvm</type>\(Examples.shown)</os>\(tables)<devices>\(devices)</devices>
        <test:runstate>\(isRunning ? 1 : 5)</test:runstate></domain>
        """
    }

    // MARK: A running guest

    @Test func `the missing bridge of an inactive network is started by libvirt, and never made by hand`() async throws {
        let doctor = Self.doctor()
        let xml = Examples.xml(devices: Self.card("network='gone' bridge='virbr9'", tap: "<target dev='vnet3'/>"))
        let (result, usable) = doctor.checkNetwork(try await Examples.examined(xml, by: doctor))
        #expect(usable.isEmpty && result.diagnoses.map(\.severity) == [.error])
        #expect(
            result.firstProblem
                == "network 'gone' is not active, so bridge virbr9 of interface \(Self.mac) does not exist on this host")
        #expect(
            result.firstRemedy == "virsh -c test:///default net-start gone; then attach the guest again: "
                + "sudo ip link set vnet3 master virbr9, or restart it")
        // The bridge of no network is the operator's.
        let own = Examples.xml(
            devices: "<interface type='bridge'><mac address='\(Self.mac)'/><source bridge='br7'/></interface>")
        let (plain, _) = doctor.checkNetwork(try await Examples.examined(own, by: doctor))
        #expect(plain.firstRemedy == "sudo ip link add br7 up type bridge")
    }

    @Test func `the missing bridge of an active network is made by starting it again`() async throws {
        let doctor = Self.doctor()
        let xml = Examples.xml(devices: Self.card("network='default' bridge='virbr0'"))
        let (result, _) = doctor.checkNetwork(try await Examples.examined(xml, by: doctor))
        #expect(result.firstProblem.hasSuffix("does not exist on this host, although network 'default' is active"))
        let virsh = "virsh -c test:///default"
        #expect(
            result.firstRemedy
                == "\(virsh) net-destroy default; \(virsh) net-start default; then attach the guest again: restart it")
    }

    // MARK: A stopped domain

    @Test func `a stopped domain is examined by its definition, and its inactive network comes first`() async throws {
        try await withNode(Self.domain(Self.card("network='gone'"), metadata: "<hostnme>a</hostnme>", tables: "")) { uri in
            let results = await Self.doctor(uri).examine("web")
            #expect(results.map(\.name) == Doctor.checks)
            let found = Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0) })
            let virsh = "virsh -c \(uri.shellWord)"
            #expect(found["domain"]?.diagnoses == [.error("web is not running", "\(virsh) net-start gone; \(virsh) start web")])
            #expect(
                found["network"]?.diagnoses == [
                    .error(
                        "network 'gone' of interface \(Self.mac) is not active",
                        "\(virsh) net-start gone; to start it with the host: \(virsh) net-autostart gone")
                ])
            // It need not be restarted.
            #expect(found["smbios"]?.firstRemedy == "virt-metadata enable web", "\(found)")
            #expect(found["metadata"]?.firstProblem.hasPrefix("value not served: hostnme: ") == true, "\(found)")
            for name in ["firewall", "port", "request"] { #expect(found[name]?.skipped == "the domain is not running") }
        }
    }

    @Test func `a definition in order is only to be started`() async throws {
        try await withNode(Self.domain(Self.card("network='default'"))) { uri in
            let results = await Self.doctor(uri, Examples.link("virbr0")).examine("web")
            let problems = results.filter { $0.name != "server" }.flatMap(\.diagnoses)
            #expect(problems.filter { $0.severity > .note }.map(\.problem) == ["web is not running"])
            #expect(problems.first?.remedy == "virsh -c \(uri.shellWord) start web")
        }
    }

    @Test func `of a stopped domain that is not enabled, the network is examined all the same`() async throws {
        try await withNode(Self.domain(Self.card("network='defualt'"), metadata: "", tables: "")) { uri in
            let results = await Self.doctor(uri).examine("web")
            let found = Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0) })
            #expect(found["domain"]?.firstProblem == Doctor.notEnabled)
            #expect(found["smbios"]?.skipped == "not enabled" && found["metadata"]?.skipped == "not enabled")
            #expect(
                found["network"]?.firstProblem
                    == "network 'defualt' of interface \(Self.mac) is not active; did you mean 'default'?")
        }
    }

    // MARK: The configuration

    @Test func `a misspelt network of the configuration is named, not the bridge of the right one`() async throws {
        let running = Self.domain(Self.card("network='default' bridge='virbr0'"), isRunning: true)
        try await withNode(running) { uri in
            let doctor = Self.doctor(uri, networks: ["defualt"], Examples.link("virbr0"))
            let problem = "no active libvirt network 'defualt', which the configuration names; did you mean 'default'?"
            let remedy = "correct 'network' in \(Configuration.defaultFile); then: sudo systemctl restart virt-metadata"
            let network = await doctor.examine("web").first { $0.name == "network" }
            #expect(network?.diagnoses == [.error(problem, remedy)])
            let server = await doctor.examineHost().checks.first { $0.name == "server" }
            #expect(server?.diagnoses.contains(.warning(problem, remedy)) == true)
        }
    }

    @Test func `an inactive network of the configuration is a warning without any domain`() async throws {
        try await withNode("") { uri in
            let host = await Self.doctor(uri, networks: ["lan", "default"]).examineHost()
            let server = try #require(host.checks.first { $0.name == "server" })
            let virsh = "virsh -c \(uri.shellWord)"
            let expected = Diagnosis.warning(
                "network 'lan', which the configuration names, is not active: no guest on it is served",
                "\(virsh) net-start lan; to start it with the host: \(virsh) net-autostart lan")
            #expect(server.diagnoses.filter { $0.problem.contains("network") } == [expected])
        }
    }
}
