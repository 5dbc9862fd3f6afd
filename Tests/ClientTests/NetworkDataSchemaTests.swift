import Foundation
import Testing

/// Nova's own JSON schema of `network_data.json` judges every document of the stories.
@Suite(.enabled(if: Clients.has("nova"), "needs Nova's schema: run Tests/clients/install-ec2-clients.sh"))
struct NetworkDataSchemaTests {
    /// The faults that the schema finds in each document.
    private func faults(_ documents: [String]) throws -> [[String]] {
        try NetworkDocuments.judged(by: "network_data_schema.py", documents).split(separator: "\n").map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
    }

    @Test func `every document is as Nova describes it`() throws {
        let documents = try NetworkDocuments.all()
        #expect(Set(documents.map(\.story)).isSuperset(of: ["openstack", "rich", "minimal", "two-nics"]))
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
        let document = try #require(try NetworkDocuments.all().last { $0.story == "openstack" }).text
        #expect(document.contains(right))
        let found = try faults([document.replacingOccurrences(of: right, with: wrong)])
        #expect(found.count == 1 && found.first?.isEmpty == false)
    }
}
