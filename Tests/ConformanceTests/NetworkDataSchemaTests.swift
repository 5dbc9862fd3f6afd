import Foundation
import Testing

/// Nova's own JSON schema of `network_data.json` judges every document of the stories, and those of made-up domains.
@Suite(.enabled(if: NetworkDocuments.hasClient("nova"), "needs Nova's schema: run Tests/clients/install-ec2-clients.sh"))
struct NetworkDataSchemaTests {
    /// The faults that the schema finds in each document.
    private func faults(_ documents: [String]) throws -> [[String]] {
        try NetworkDocuments.judged(by: "network_data_schema.py", documents).map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
    }

    @Test func `every document is as Nova describes it`() throws {
        let documents = try NetworkDocuments.ofStories()
        #expect(Set(documents.map(\.story)).isSuperset(of: ["openstack", "rich", "minimal", "two-nics"]))
        try expectNone(in: documents)
    }

    @Test func `so is every document of a thousand made-up domains`() throws {
        let documents = try NetworkDocuments.ofMadeUpDomains(1000)
        #expect(documents.count > 200 && documents.count { $0.text.contains(#""type": "ipv"#) } > 100)
        try expectNone(in: documents)
    }

    private func expectNone(in documents: [NetworkDocuments.Document]) throws {
        let found = try faults(documents.map(\.text))
        #expect(found.count == documents.count)
        for (document, faults) in zip(documents, found) {
            #expect(faults == [], "\(document.story)")
        }
    }

    @Test(arguments: [
        (#""type": "phy""#, #""type": "veth""#), (#""type": "ipv4""#, #""type": "ipv5""#),
        (#""netmask": "255.255.252.0""#, #""netmask": "255.255.0.252""#), (#""vlan_id": 100"#, #""vlan_id": "100""#),
        (#""bond_mode": "802.3ad""#, #""bond_mode": "fast""#), (#""services": "#, #""servers": "#),
    ])
    func `a fault is found`(right: String, wrong: String) throws {
        let document = try #require(try NetworkDocuments.ofStories().first { $0.story == "openstack" }).text
        #expect(document.contains(right))
        let found = try faults([document.replacingOccurrences(of: right, with: wrong)])
        #expect(found.count == 1 && found.first?.isEmpty == false)
    }
}
