import Common
import Foundation
import Inventory
import TestSupport

/// Every `network_data.json` that the stories' guests read, and those of made-up domains.
enum NetworkDocuments {
    /// A document, in one line, and whose it is: the name of a story, or the XML of a domain.
    struct Document {
        let story: String
        let text: String
    }

    /// The newest of each story that has one.
    static func ofStories(at target: String = newest) throws -> [Document] {
        try Story.all.compactMap { story in
            try document(at: target, for: story.question()).map { Document(story: story.name, text: $0) }
        }
    }

    /// Those of a number of domains that nobody would write.
    static func ofMadeUpDomains(_ count: Int, at target: String = newest) throws -> [Document] {
        var domains = RandomDomain(seed: 41)
        return try (0..<count).compactMap { number in
            let xml = domains.next()
            let instance = try InstanceAssembly().assemble(xml).instance
            let question = Question(about: instance, address: IPAddress("192.0.2.1"), interface: 0, entropy: .fixed)
            return document(at: target, for: question).map { Document(story: String(decoding: xml, as: UTF8.self), text: $0) }
        }
    }

    /// Where Nova's document is.
    static let newest = "/openstack/latest/network_data.json"

    /// `nil` where there is none, or an empty one.
    private static func document(at target: String, for question: Question) -> String? {
        answer(to: target, question).map { String(decoding: $0.content.bytes, as: UTF8.self) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether a file or folder is there that a script of `Tests/clients` puts below `.build/clients`.
    static func hasClient(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: Fixtures.package.appending(path: ".build/clients/\(path)").path)
    }

    /// The lines that a driver of `Tests/clients` prints: it takes a document a line, and prints a line for each.
    static func judged(by driver: String, _ documents: [String]) throws -> [Substring] {
        let script = Fixtures.package.appending(path: "Tests/clients/\(driver)").path
        let input = documents.map { $0 + "\n" }.joined()
        return try Command.succeed(["/usr/bin/python3", script], input: input, limit: .seconds(90)).split(separator: "\n")
    }
}
