import Foundation
import Testing

/// Validates every network document with cloud-init's own schema: a guest with an invalid one reports itself as degraded.
@Suite(.enabled(if: NetworkDocuments.hasClient("cloud-init-newer"), "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitSchemaTests {
    private func faults(_ documents: [String]) throws -> [[String]] {
        try NetworkDocuments.judged(by: "cloud_init_schema.py", documents).map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
    }

    @Test(arguments: [NetworkDocuments.newest, "/nocloud/network-config"])
    func `every document of the cases and of five hundred random domains is valid`(target: String) throws {
        let documents = try NetworkDocuments.ofCases(at: target) + NetworkDocuments.ofRandomDomains(500, at: target)
        #expect(documents.count > 100 && documents.contains { $0.text.contains("bond0") })
        let found = try faults(documents.map(\.text))
        #expect(found.count == documents.count)
        for (document, faults) in zip(documents, found) { #expect(faults == [], "\(document.source)") }
    }

    @Test(arguments: [
        (#""bond_miimon": 100"#, #""bond_miimon": "100""#),
        (#""type": "vlan", "ethernet"#, #""type": "vlan", "mtu": null, "ethernet"#),
        (#""mtu": 9000, "ethernet"#, #""mtu": null, "ethernet"#),
    ])
    func `the schema rejects what a bond or VLAN must not have`(right: String, wrong: String) throws {
        let document = try #require(try NetworkDocuments.ofCases().first { $0.source == "openstack" }).text
        let ranges = document.ranges(of: right)
        let last = try #require(ranges.last)
        #expect(try faults([document]) == [[]])
        #expect(try faults([document.replacingCharacters(in: last, with: wrong)]).first?.isEmpty == false)
    }
}
