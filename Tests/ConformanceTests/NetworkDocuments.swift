import Common
import Description
import Foundation
import JSON
import TestSupport

/// The `network_data.json` of every case and of random domains.
enum NetworkDocuments {
    /// A document, in one line, and its source: the name of a case, or the XML of a domain.
    struct Document {
        let source: String
        let text: String
    }

    /// The cases whose configuration only netplan reads.
    static let onlyForNetplan: Set = ["network-config-netplan"]

    /// The newest document of each case that has one.
    static func ofCases(at target: String = newest) throws -> [Document] {
        try Case.all.filter { !onlyForNetplan.contains($0.name) }.compactMap { fixture in
            try document(at: target, for: fixture.question()).map { Document(source: fixture.name, text: $0) }
        }
    }

    /// The documents of a number of random domains.
    static func ofRandomDomains(_ count: Int, at target: String = newest) throws -> [Document] {
        var domains = RandomDomain(seed: 41)
        return try (0..<count).compactMap { number in
            let xml = domains.next()
            let instance = try InstanceAssembly().assemble(xml).instance
            let question = Question(about: instance, address: IPAddress("192.0.2.1"), interface: 0, entropy: .fixed)
            return document(at: target, for: question).map { Document(source: String(decoding: xml, as: UTF8.self), text: $0) }
        }
    }

    /// The target of Nova's document.
    static let newest = "/openstack/latest/network_data.json"

    /// `nil` if there is no document, or an empty one.
    private static func document(at target: String, for question: Question) -> String? {
        (try? answer(to: target, question)?.content).map { String(decoding: $0.bytes, as: UTF8.self) }.flatMap {
            $0.isEmpty ? nil : $0
        }
    }

    /// Whether a script of `Tests/clients` has installed a file or folder below `.build/clients`.
    static func hasClient(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: Fixtures.package.appending(path: ".build/clients/\(path)").path)
    }

    /// The output of a driver of `Tests/clients`: one line for each document, which it reads one per line: JSON as it is, another text,
    /// such as the operator's YAML, as a JSON string.
    ///
    /// - Parameter areTexts: whether all are the operator's texts, also those that are JSON.
    static func judged(by driver: String, _ documents: [String], areTexts: Bool = false) throws -> [Substring] {
        let script = Fixtures.package.appending(path: "Tests/clients/\(driver)").path
        let input = documents.map { document in
            let isJSON = !areTexts && document.hasPrefix("{") && !document.contains("\n")
            return (isJSON ? document : JSONEncoding.text(.string(document))) + "\n"
        }.joined()
        return try Command.succeed(["/usr/bin/python3", script], input: input, limit: .seconds(90)).split(separator: "\n")
    }
}
