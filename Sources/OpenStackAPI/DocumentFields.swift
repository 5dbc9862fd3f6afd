import Common
import JSON

/// One field of a JSON document: its name, the version that brought it, and how to read it.
struct Field {
    enum Reading {
        /// From the instance alone, so that what was read once can be kept; where it is `nil` the document does not have the field.
        case kept(@Sendable (Instance, OpenStackVersion) -> JSONValue?)
        /// Anew each time: appended as JSON.
        case fresh(@Sendable (Entropy, inout [UInt8]) -> Void)
    }

    let name: String
    let since: OpenStackVersion
    let reading: Reading

    /// A field that an instance has always the same.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Instance) -> JSONValue?) {
        self.init(name, since: since) { instance, _ in value(instance) }
    }

    /// A field that has gained parts of its own over time.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Instance, OpenStackVersion) -> JSONValue?) {
        (self.name, self.since, reading) = (name, since, .kept(value))
    }

    /// A field that is another with every reading.
    init(_ name: String, since: OpenStackVersion, fresh append: @escaping @Sendable (Entropy, inout [UInt8]) -> Void) {
        (self.name, self.since, reading) = (name, since, .fresh(append))
    }
}

/// A JSON document that is a table of fields, each from the version that brought it.
struct FieldDocument {
    let fields: [Field]
    private let name: String
    /// Those that are read anew each time; a request looks at no others.
    private let fresh: [(since: OpenStackVersion, append: @Sendable (Entropy, inout [UInt8]) -> Void)]

    init(_ name: String, _ fields: [Field]) {
        (self.name, self.fields) = (name, fields)
        fresh = fields.compactMap { field in
            if case .fresh(let append) = field.reading { (field.since, append) } else { nil }
        }
    }

    /// The document as a version has it.
    func node(in version: OpenStackVersion, for question: Question) -> Node {
        .document(.json) {
            let pieces = question.kept(name, version.rawValue) { cut(question.instance, version) } ?? []
            return pieces.count > 1 ? joined(pieces, in: version, question.entropy) : pieces.first ?? []
        }
    }

    /// The JSON of an object of the fields, cut where those belong that are read anew.
    private func cut(_ instance: Instance, _ version: OpenStackVersion) -> Renderings.Pieces {
        var pieces: Renderings.Pieces = []
        var text = Array("{".utf8)
        var isFirst = true
        for field in fields where field.since <= version {
            var value: [UInt8]?
            if case .kept(let read) = field.reading {
                guard let read = read(instance, version) else { continue }
                value = JSONEncoding.bytes(read)
            }
            text += (isFirst ? "" : ", ").utf8
            text += JSONEncoding.bytes(.string(field.name))
            text += ": ".utf8
            isFirst = false
            if let value {
                text += value
            } else {
                pieces.append(text)
                text = []
            }
        }
        return pieces + [text + "}".utf8]
    }

    /// The document of its pieces, with what is read anew between them.
    private func joined(_ pieces: Renderings.Pieces, in version: OpenStackVersion, _ entropy: Entropy) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count } + 1024)
        var next = 0
        for (since, append) in fresh where since <= version {
            bytes += pieces[next]
            append(entropy, &bytes)
            next += 1
        }
        bytes += pieces[next]
        return bytes
    }
}

extension Node {
    /// A JSON value as a document; `nil` where there is no value.
    static func document(
        _ name: String, type: MediaType = .json, for question: Question, _ value: (Instance) -> JSONValue?
    ) -> Node? {
        let pieces = question.kept(name) { value(question.instance).map { [JSONEncoding.bytes($0)] } }
        return pieces.map { pieces in .document(type) { pieces.first ?? [] } }
    }
}

extension Question {
    /// The pieces of a document, as they were kept or made anew.
    fileprivate func kept(_ name: String, _ version: String = "", make: () -> Renderings.Pieces?) -> Renderings.Pieces? {
        guard let renderings else { return make() }
        return renderings.pieces(of: name, in: version, about: instance, make: make)
    }
}
