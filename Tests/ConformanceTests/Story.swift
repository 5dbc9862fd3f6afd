import Common
import FoundationEssentials
import Inventory
import Testing

/// A folder of `fixtures/instances`: a domain, the networks it names, and the address its guest asks from.
struct Story: Sendable, CustomTestStringConvertible {
    /// The name of the folder.
    let name: String

    /// Every story, by name.
    static let all = Fixtures.names(in: Fixtures.folder.appending(path: "instances")).map(Story.init)

    var testDescription: String { name }

    var folder: URL { Fixtures.folder.appending(path: "instances/\(name)") }

    /// The instance of the domain in a file of the folder, and what `check` would name.
    func assembled(from file: String = "domain.xml") throws -> InstanceAssembly.Assembled {
        let networks = folder.appending(path: "networks")
        let described = try Fixtures.names(in: networks).map { try Fixtures.bytes(of: networks.appending(path: $0)) }
        return try InstanceAssembly(networks: described).assemble(Fixtures.bytes(of: folder.appending(path: file)))
    }

    /// What the guest asks: by its first interface, from the address in `caller`.
    func question(about file: String = "domain.xml") throws -> Question {
        let text = try Fixtures.text(of: folder.appending(path: "caller"))
        let address = try #require(IPAddress(String(text.prefix { !$0.isNewline })))
        return Question(
            about: try assembled(from: file).instance, address: address, interface: 0, entropy: .fixed, seal: .example)
    }
}

extension Entropy {
    /// Three bytes that are not random at all, however many are asked for: a document that holds them can be compared, and read.
    static let fixed = Entropy { _ in [1, 2, 3] }
}

extension DocumentSeal {
    /// No signature at all: what is signed can be compared, and read.
    static let example = DocumentSeal(
        signature: { "a signature over \($0.count) bytes" }, signedDocument: { "\($0.count) bytes,\nand a signature" })
}
