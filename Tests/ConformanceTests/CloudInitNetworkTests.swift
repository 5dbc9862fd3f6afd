import Foundation
import Testing

/// The network configuration that Debian's unmodified cloud-init derives from every `network_data.json` of the cases.
@Suite(.enabled(if: NetworkDocuments.hasClient("cloud-init"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitNetworkTests {
    private struct Converted {
        let source: String
        let document: [String: Any]
        let result: [String: Any]

        /// The configured links by name.
        var links: [String: [String: Any]] {
            let all = (result["config"] as? [[String: Any]] ?? []).compactMap { link in
                (link["name"] as? String).map { ($0, link) }
            }
            return Dictionary(all, uniquingKeysWith: { first, _ in first })
        }

        func subnets(of link: String) -> [[String: Any]] { links[link]?["subnets"] as? [[String: Any]] ?? [] }
        /// The addresses without prefix length, because one of the two formats has netmasks.
        func addresses(of link: String) -> [String] {
            subnets(of: link).compactMap { ($0["address"] as? String)?.split(separator: "/").first.map(String.init) }
        }
        func all(_ read: (String) -> some Sequence<String>) -> [String] { links.keys.flatMap { Array(read($0)) }.sorted() }
        func gateways(of link: String) -> Set<String> {
            let routes =
                subnets(of: link).flatMap { $0["routes"] as? [[String: Any]] ?? [] }
                + (links[link]?["routes"] as? [[String: Any]] ?? [])
            let own = subnets(of: link).compactMap { $0["gateway"] as? String }
            // A route without a next hop leads to a gateway on the link, which version 2 says in another way.
            return Set(routes.compactMap { $0["gateway"] as? String } + own).subtracting(["0.0.0.0"])
        }
        func types(of link: String) -> [String] { subnets(of: link).compactMap { $0["type"] as? String } }
    }

    private func converted(_ documents: [NetworkDocuments.Document]) throws -> [Converted] {
        let lines = try NetworkDocuments.judged(by: "cloud_init_network.py", documents.map(\.text))
        #expect(lines.count == documents.count)
        return try zip(documents, lines).map { document, line in
            let result = try object(String(line))
            // The operator's own configuration is YAML, of which cloud-init says how it reads it.
            let read = try result["document"] as? [String: Any] ?? object(document.text)
            return Converted(source: document.source, document: read, result: result)
        }
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `every document becomes a configuration with each link and each network`() throws {
        let all = try converted(NetworkDocuments.ofCases())
        #expect(Set(all.map(\.source)).isSuperset(of: ["openstack", "rich", "minimal", "two-nics"]))
        expectEverything(in: all)
    }

    @Test func `so do those of five hundred random domains`() throws {
        let all = try converted(NetworkDocuments.ofRandomDomains(500))
        // Links without networks cannot fail, so enough documents must have more than a card with DHCP.
        #expect(all.count > 100 && all.count { $0.links.count > 1 } > 50)
        expectEverything(in: all)
    }

    private func expectEverything(in all: [Converted]) {
        for one in all {
            #expect(one.result["error"] == nil, "\(one.source): \(one.result)")
            let links = one.document["links"] as? [[String: Any]] ?? []
            let networks = one.document["networks"] as? [[String: Any]] ?? []
            #expect(one.links.count == links.count, "\(one.source)")
            #expect(one.links.keys.reduce(0) { $0 + one.subnets(of: $1).count } == networks.count, "\(one.source)")
        }
    }

    @Test func `addresses, bonds and VLANs are as configured by the operator`() throws {
        let one = try #require(try converted(NetworkDocuments.ofCases()).first { $0.source == "openstack" })
        #expect(one.types(of: "eth0") == ["dhcp4", "ipv6_dhcpv6-stateful"])
        #expect(one.types(of: "eth1") == ["static", "static", "static6"])
        #expect(
            one.subnets(of: "eth1").compactMap { $0["address"] as? String } == [
                "192.168.49.30", "192.168.49.31", "2001:db8:2::30",
            ])
        #expect(one.subnets(of: "eth1").first?["netmask"] as? String == "255.255.252.0")
        // cloud-init marks a gateway outside the subnet as on the link if it is not among the routes; before 23.1 a route to it has to be there.
        #expect(one.subnets(of: "eth1").first?["gateway"] as? String == "192.168.99.1")
        #expect(
            (one.subnets(of: "eth1").first?["routes"] as? [[String: String]])?.map { $0["gateway"] } == [
                "0.0.0.0", "192.168.48.254",
            ])
        #expect(one.types(of: "eth2") == [] && one.types(of: "eth3") == [])
        #expect(one.types(of: "eth4") == ["ipv6_dhcpv6-stateless"])
        #expect(one.links["bond0"]?["bond_interfaces"] as? [String] == ["eth2", "eth3"])
        let parameters = one.links["bond0"]?["params"] as? [String: Any]
        #expect(parameters?["bond_mode"] as? String == "802.3ad" && parameters?["bond_miimon"] as? Int == 100)
        #expect(parameters?["bond_xmit_hash_policy"] as? String == "layer3+4" && parameters?.count == 3)
        #expect(one.types(of: "bond0") == ["dhcp4"] && one.links["bond0"]?["mtu"] as? Int == 9000)
        #expect(one.links["bond0.100"]?["vlan_id"] as? Int == 100 && one.types(of: "bond0.100") == ["static"])
        #expect(
            one.links["eth1.200"]?["mac_address"] as? String == "02:00:00:00:02:00" && one.types(of: "eth1.200") == ["ipv6_slaac"]
        )
        let servers = (one.result["config"] as? [[String: Any]])?.filter { $0["type"] as? String == "nameserver" }
        #expect(servers?.compactMap { $0["address"] as? String } == ["9.9.9.9"])
    }

    // MARK: NoCloud

    @Test func `NoCloud's configuration has the same addresses for each link of the cases`() throws {
        try expectTheSame(
            converted(NetworkDocuments.ofCases()), converted(NetworkDocuments.ofCases(at: "/nocloud/network-config")))
    }

    @Test func `and for each link of five hundred random domains`() throws {
        let target = "/nocloud/network-config"
        try expectTheSame(
            converted(NetworkDocuments.ofRandomDomains(500)), converted(NetworkDocuments.ofRandomDomains(500, at: target)))
    }

    /// The cards that a guest need not wait for because nobody may answer: OpenStack's format cannot express that, and has no networks for
    /// them.
    private func optional(_ nova: Converted, _ noCloud: Converted) -> Set<String> {
        let cards = (nova.document["links"] as? [[String: Any]] ?? []).filter { $0["type"] as? String == "phy" }
        let ethernets = noCloud.document["ethernets"] as? [String: [String: Any]] ?? [:]
        let names = cards.enumerated().filter { _, card in
            (card["id"] as? String).flatMap { ethernets[$0]?["optional"] as? Bool } == true
        }.map { "eth\($0.offset)" }
        return Set(names.filter { nova.types(of: $0) == [] })
    }

    private func expectTheSame(_ nova: [Converted], _ noCloud: [Converted]) {
        #expect(nova.map(\.source) == noCloud.map(\.source))
        #expect(nova.count { $0.links.count > 1 } > 1)
        for (one, other) in zip(nova, noCloud) {
            #expect(other.result["error"] == nil, "\(one.source): \(other.result)")
            // A bond or VLAN has the operator's name in one format and cloud-init's in the other.
            #expect(one.all { one.addresses(of: $0) } == other.all { other.addresses(of: $0) }, "\(one.source)")
            #expect(one.all { one.gateways(of: $0) } == other.all { other.gateways(of: $0) }, "\(one.source)")
            let optional = optional(one, other)
            for link in one.links.keys where one.links[link]?["type"] as? String == "physical" && !optional.contains(link) {
                #expect(one.addresses(of: link) == other.addresses(of: link), "\(one.source): \(link)")
                #expect(
                    one.types(of: link).contains("dhcp4") == other.types(of: link).contains("dhcp4"), "\(one.source): \(link)")
                #expect(one.gateways(of: link) == other.gateways(of: link), "\(one.source): \(link)")
                #expect(one.links[link]?["mtu"] as? Int == other.links[link]?["mtu"] as? Int, "\(one.source): \(link)")
            }
        }
    }
}
