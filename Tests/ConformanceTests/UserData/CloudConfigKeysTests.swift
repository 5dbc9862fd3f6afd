import Foundation
import Testing

@testable import UserData

/// The table of keys, compared with the schema of both versions of Debian.
@Suite(
    .enabled(
        if: NetworkDocuments.hasClient("cloud-init") && NetworkDocuments.hasClient("cloud-init-newer"),
        "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudConfigKeysTests {
    /// The keys on the outermost level of a version's schema.
    private func keys(of version: String) throws -> Set<String> {
        let path = ".build/clients/\(version)/usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
        let data = try Data(contentsOf: Fixtures.package.appending(path: path))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let definitions = try #require(schema["$defs"] as? [String: Any])
        func properties(_ value: Any?) -> [String] {
            ((value as? [String: Any])?["properties"] as? [String: Any]).map { Array($0.keys) } ?? []
        }
        let references = try #require(schema["allOf"] as? [[String: String]]).compactMap {
            $0["$ref"]?.split(separator: "/").last
        }
        return Set(references.flatMap { properties(definitions[String($0)]) } + properties(schema))
    }

    private func known(_ support: Set<CloudConfigKeys.Support>) -> Set<String> {
        Set(CloudConfigKeys.all.filter { support.contains($0.value) }.keys)
    }

    @Test func `the table has the keys of both schemas, and no others`() throws {
        let (older, newer) = (try keys(of: "cloud-init"), try keys(of: "cloud-init-newer"))
        #expect(older.count >= 90 && newer.count >= 98)
        #expect(known([.both]) == older)
        #expect(known([.both, .unlistedBefore, .newer]) == newer)
    }

    @Test func `22.4.2 has modules for the keys that its schema does not list`() throws {
        let folder = Fixtures.package.appending(path: ".build/clients/cloud-init/usr/lib/python3/dist-packages/cloudinit")
        let sources = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)).compactMap {
            $0 as? URL
        }
        let text = try sources.filter { $0.pathExtension == "py" }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        for key in known([.unlistedBefore]) where key != "version" {
            #expect(text.contains("\"\(key)\"") || text.contains("'\(key)'") || text.contains("\(key)\""), "\(key)")
        }
        for key in known([.newer, .later]) { #expect(!text.contains("\"\(key)\""), "\(key)") }
    }
}
