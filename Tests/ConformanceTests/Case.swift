import Common
import Configuration
import Description
import FoundationEssentials
import Testing

/// A folder of `fixtures/instances`: a domain, the networks it names, and the address of its guest.
struct Case: Sendable, CustomTestStringConvertible {
    /// The name of the folder.
    let name: String

    /// Every case, by name.
    static let all = Fixtures.names(in: Fixtures.folder.appending(path: "instances")).map(Case.init)

    var testDescription: String { name }

    var folder: URL { Fixtures.folder.appending(path: "instances/\(name)") }

    /// The instance of the domain in a file of the folder, and the findings of `check`.
    func assembled(from file: String = "domain.xml") throws -> InstanceAssembly.Assembled {
        let networks = folder.appending(path: "networks")
        let described = try Fixtures.names(in: networks).map { try Fixtures.bytes(of: networks.appending(path: $0)) }
        return try InstanceAssembly(networks: described, defaults: defaults()).assemble(
            Fixtures.bytes(of: folder.appending(path: file)))
    }

    /// What the case's configuration file tells to many, if it has one.
    private func defaults() throws -> InstanceDefaults {
        let file = folder.appending(path: "config.yaml")
        guard FileManager.default.fileExists(atPath: file.path) else { return InstanceDefaults() }
        var configuration = Configuration()
        try configuration.read(Fixtures.bytes(of: file), of: "config.yaml")
        return configuration.defaults
    }

    /// The guest's question: by its first interface, from the address in `client`.
    func question(about file: String = "domain.xml") throws -> Question {
        let text = try Fixtures.text(of: folder.appending(path: "client"))
        let address = try #require(IPAddress(String(text.prefix { !$0.isNewline })))
        return Question(
            about: try assembled(from: file).instance, address: address, interface: 0, entropy: .fixed, seal: .example)
    }
}

extension Entropy {
    /// Constant bytes, three for any count: a document that contains them can be compared and read.
    static let fixed = Entropy { _ in [1, 2, 3] }
}

extension DocumentSeal {
    /// A constant text in place of a signature: signed documents can be compared and read.
    static let example = DocumentSeal(
        signature: { document, _ in "a signature over \(document.count) bytes" },
        signedDocument: { document, _ in "\(document.count) bytes,\nand a signature" })
}
