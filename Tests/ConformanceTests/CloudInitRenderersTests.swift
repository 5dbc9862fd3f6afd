import Common
import Description
import Foundation
import TestSupport
import Testing

/// Renders every guest's two network documents by cloud-init's own renderers, of Debian 12's and 13's packages: each configures the same
/// addresses, routes and name servers, without a warning.
@Suite(
    .enabled(
        if: NetworkDocuments.hasClient("cloud-init") && NetworkDocuments.hasClient("cloud-init-newer")
            && FileManager.default.isExecutableFile(atPath: "/usr/sbin/netplan"),
        "needs cloud-init and netplan: run Tests/clients/install-cloud-init.sh"))
struct CloudInitRenderersTests {
    /// A guest's two documents.
    private struct Documents: Encodable {
        let source: String
        let data: String?
        let config: String?

        /// One line for the driver.
        var line: String {
            let parts = [("network_data", data), ("network_config", config)].compactMap { name, text in
                text.map { "\"\(name)\": \($0)" }
            }
            return "{\(parts.joined(separator: ", "))}"
        }

        init?(_ source: String, _ question: Question) {
            let read = { (target: String) -> String? in
                let bytes = (try? answer(to: target, question)?.content)?.bytes
                let text = bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
                return text.isEmpty ? nil : text
            }
            self.source = source
            // An operator's own configuration may say what the other document cannot, and is no work of ours.
            guard question.instance.documents.networkConfiguration == nil else { return nil }
            (data, config) = (read(NetworkDocuments.newest), read("/nocloud/network-config"))
            if data == nil, config == nil { return nil }
        }
    }

    private static func documents(of xml: [UInt8], _ networks: [[UInt8]] = []) throws -> Documents? {
        let instance = try InstanceAssembly(networks: networks, readsBare: false).assemble(xml).instance
        let question = Question(about: instance, address: nil, interface: nil, entropy: .fixed)
        return Documents(String(decoding: xml, as: UTF8.self), question)
    }

    /// The faults of each line of documents.
    private func faults(_ lines: [String], by package: String) throws -> [[String]] {
        let script = Fixtures.package.appending(path: "Tests/clients/cloud_init_renderers.py").path
        let input = lines.map { $0 + "\n" }.joined()
        let output = try Command.succeed(["/usr/bin/python3", script, package], input: input, limit: .seconds(300))
        let found = try output.split(separator: "\n").map { try JSONDecoder().decode([String].self, from: Data($0.utf8)) }
        try #require(found.count == lines.count)
        return found
    }

    private func expectNoFaults(_ documents: [Documents], by package: String) throws {
        for (described, faults) in zip(documents, try faults(documents.map(\.line), by: package)) {
            #expect(faults == [], "\(described.source)")
        }
    }

    @Test(arguments: ["cloud-init", "cloud-init-newer"])
    func `every case is configured by every renderer as its documents say`(package: String) throws {
        let all = try Case.all.compactMap { try Documents($0.name, $0.question()) }
        #expect(all.count > 10 && all.contains { $0.config?.contains("bond0") == true })
        try expectNoFaults(all, by: package)
    }

    @Test(arguments: ["cloud-init", "cloud-init-newer"])
    func `every random guest is configured by every renderer as its documents say`(package: String) throws {
        var domains = RandomDomain(seed: 43)
        var guests = RandomNetworkGuest(seed: 7)
        var all = try (0..<12).compactMap { _ in try Self.documents(of: domains.next()) }
        all += try (0..<24).compactMap { _ in
            let guest = guests.next()
            return try Self.documents(of: guest.domain, guest.networks)
        }
        #expect(all.count > 20)
        try expectNoFaults(all, by: package)
    }

    @Test(arguments: ["cloud-init", "cloud-init-newer"]) func `what a renderer warns of, refuses or loses is noticed`(
        package: String
    ) throws {
        let match = #""match": {"macaddress": "52:54:00:00:00:01"}"#
        let overrides = #""dhcp4": true, "dhcp4-overrides": {"use-dns": false}, "dhcp6": true"#
        let link = #"{"id": "a", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:01"}"#
        let second = #"{"id": "b", "type": "phy", "ethernet_mac_address": "52:54:00:00:00:02"}"#
        let network = { (link: String, number: Int, rest: String) in
            #"{"id": "n\#(number)", "type": "ipv4", "link": "\#(link)", "ip_address": "192.0.\#(number).7", "#
                + #""netmask": "255.255.255.0", "routes": [\#(rest)], "services": []}"#
        }
        let route = #"{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}"#
        let other = #"{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.3.1"}"#
        let found = try faults(
            [
                #"{"network_config": {"version": 2, "ethernets": {"a": {\#(match), \#(overrides)}}}}"#,
                #"{"network_data": {"links": [\#(link), \#(second)], "networks": [\#(network("a", 2, route)), "#
                    + #"\#(network("b", 3, other))], "services": []}}"#,
                #"{"network_data": {"links": [\#(link.replacingOccurrences(of: "phy", with: "odd"))], "networks": [], "services": []}}"#,
                #"{"network_data": {"links": [\#(link)], "networks": [\#(network("a", 2, route))], "services": []}}"#,
            ], by: package)
        #expect(found[0].contains { $0.hasPrefix("network_config, netplan: RuntimeError") })
        #expect(found[1].contains { $0.contains("Conflicting default route declarations") })
        #expect(found[2].count >= 5, "each renderer")
        #expect(found[3] == [])
    }
}
