import Foundation
import Testing

/// Validates every `network_data.json` of the cases and of random domains with Nova's own JSON schema.
@Suite(.enabled(if: NetworkDocuments.hasClient("nova"), "needs Nova's schema: run Tests/clients/install-ec2-clients.sh"))
struct NetworkDataSchemaTests {
    /// The faults that the schema finds in each document.
    private func faults(_ documents: [String]) throws -> [[String]] {
        try NetworkDocuments.judged(by: "network_data_schema.py", documents).map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
    }

    @Test func `every document is valid by Nova's schema`() throws {
        let documents = try NetworkDocuments.ofCases()
        #expect(Set(documents.map(\.source)).isSuperset(of: ["openstack", "rich", "minimal", "two-nics"]))
        try expectNone(in: documents)
    }

    @Test func `so is every document of a thousand random domains`() throws {
        let documents = try NetworkDocuments.ofRandomDomains(1000)
        #expect(documents.count > 200 && documents.count { $0.text.contains(#""type": "ipv"#) } > 100)
        try expectNone(in: documents)
    }

    private func expectNone(in documents: [NetworkDocuments.Document]) throws {
        let found = try faults(documents.map(\.text))
        #expect(found.count == documents.count)
        for (document, faults) in zip(documents, found) {
            #expect(faults == [], "\(document.source)")
        }
    }

    @Test(arguments: [
        (#""type": "phy""#, #""type": "veth""#), (#""type": "ipv4""#, #""type": "ipv5""#),
        (#""netmask": "255.255.252.0""#, #""netmask": "255.255.0.252""#), (#""vlan_id": 100"#, #""vlan_id": "100""#),
        (#""bond_mode": "802.3ad""#, #""bond_mode": "fast""#), (#""services": "#, #""servers": "#),
    ])
    func `the schema rejects a faulty document`(right: String, wrong: String) throws {
        let document = try #require(try NetworkDocuments.ofCases().first { $0.source == "openstack" }).text
        #expect(document.contains(right))
        let found = try faults([document.replacingOccurrences(of: right, with: wrong)])
        #expect(found.count == 1 && found.first?.isEmpty == false)
    }
}
