import Common
import JSON

/// A field of a JSON document: its name, the version that introduced it, and how it is read.
struct Field {
    enum Reading {
        /// Computed from the instance alone, so that it can be cached; if `nil`, the document does not have the field.
        case cached(@Sendable (Instance, OpenStackVersion) -> JSONValue?)
        /// Computed on each reading, and appended as JSON.
        case fresh(@Sendable (Entropy, inout [UInt8]) -> Void)
    }

    let name: String
    let since: OpenStackVersion
    let reading: Reading

    /// A field that is constant for an instance.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Instance) -> JSONValue?) {
        self.init(name, since: since) { instance, _ in value(instance) }
    }

    /// A constant field whose value depends on the version.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Instance, OpenStackVersion) -> JSONValue?) {
        (self.name, self.since, reading) = (name, since, .cached(value))
    }

    /// A field that is different on each reading.
    init(_ name: String, since: OpenStackVersion, fresh append: @escaping @Sendable (Entropy, inout [UInt8]) -> Void) {
        (self.name, self.since, reading) = (name, since, .fresh(append))
    }
}

/// A JSON document as a table of fields, each with the version that introduced it.
struct FieldDocument {
    let fields: [Field]
    private let name: String
    /// The fields that are computed on each reading; requests evaluate no others.
    private let fresh: [(since: OpenStackVersion, append: @Sendable (Entropy, inout [UInt8]) -> Void)]

    init(_ name: String, _ fields: [Field]) {
        (self.name, self.fields) = (name, fields)
        fresh = fields.compactMap { field in
            if case .fresh(let append) = field.reading { (field.since, append) } else { nil }
        }
    }

    /// The document in a version.
    func node(in version: OpenStackVersion, for question: Question) -> Node {
        .document(.json) {
            let pieces = question.cached(name, version.rawValue) { cachedPieces(question.instance, version) } ?? []
            return pieces.count > 1 ? document(from: pieces, in: version, question.entropy) : pieces.first ?? []
        }
    }

    /// The JSON of the constant fields, split where the other fields belong.
    private func cachedPieces(_ instance: Instance, _ version: OpenStackVersion) -> Renderings.Pieces {
        var pieces: Renderings.Pieces = []
        var text = Array("{".utf8)
        var isFirst = true
        for field in fields where field.since <= version {
            var value: [UInt8]?
            if case .cached(let read) = field.reading {
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

    /// The document from its pieces, with the fields of this reading between them.
    private func document(from pieces: Renderings.Pieces, in version: OpenStackVersion, _ entropy: Entropy) -> [UInt8] {
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
    /// A JSON value as a document; `nil` if there is no value.
    static func document(
        _ name: String, type: MediaType = .json, for question: Question, _ value: (Instance) -> JSONValue?
    ) -> Node? {
        let pieces = question.cached(name) { value(question.instance).map { [JSONEncoding.bytes($0)] } }
        return pieces.map { pieces in .document(type) { pieces.first ?? [] } }
    }
}

extension Question {
    /// The pieces of a document, from the cache or rendered.
    fileprivate func cached(_ name: String, _ version: String = "", make: () -> Renderings.Pieces?) -> Renderings.Pieces? {
        guard let renderings else { return make() }
        return renderings.pieces(of: name, in: version, about: instance, make: make)
    }
}
