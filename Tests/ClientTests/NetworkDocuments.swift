import Foundation
import TestSupport

/// Every `network_data.json` that the stories' guests read.
enum NetworkDocuments {
    /// A document of a story, in one line.
    struct Document {
        let story: String
        let text: String
    }

    /// Those of the golden walks, which the conformance tests hold to what is served.
    static func all() throws -> [Document] {
        let stories = Clients.package.appending(path: "fixtures/instances")
        return try FileManager.default.contentsOfDirectory(atPath: stories.path).sorted().flatMap { story in
            let walk = try String(contentsOf: stories.appending(path: "\(story)/golden/openstack.txt"), encoding: .utf8)
            return walk.split(separator: "\n").filter { $0.hasPrefix(#"    {"links": "#) }.map {
                Document(story: story, text: String($0.dropFirst(4)))
            }
        }
    }

    /// What a driver of `Tests/clients` prints, which takes a document a line and prints a line for each.
    static func judged(by driver: String, _ documents: [String]) throws -> String {
        try Command.succeed(
            ["/usr/bin/python3", Clients.driver(driver)], input: documents.map { $0 + "\n" }.joined(), limit: .seconds(60))
    }
}
