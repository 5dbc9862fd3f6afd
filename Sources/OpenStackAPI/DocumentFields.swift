import Common
import JSON

/// One field of a JSON document: its name, the version that brought it, and how to read it from a question.
struct Field {
    let name: String
    let since: OpenStackVersion
    let value: @Sendable (Question, OpenStackVersion) -> JSONValue?

    /// A field; where the reading is `nil` the document does not have it.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Question) -> JSONValue?) {
        self.init(name, since: since) { question, _ in value(question) }
    }

    /// A field that has gained parts of its own over time.
    init(_ name: String, since: OpenStackVersion, _ value: @escaping @Sendable (Question, OpenStackVersion) -> JSONValue?) {
        (self.name, self.since, self.value) = (name, since, value)
    }
}

extension Node {
    /// A JSON document of these fields, in this order, as a version has them.
    static func document(_ fields: [Field], version: OpenStackVersion, for question: Question) -> Node {
        .document(.json) {
            JSONEncoding.bytes(
                .object(
                    fields.compactMap { field in
                        guard field.since <= version else { return nil }
                        return field.value(question, version).map { JSONMember(field.name, $0) }
                    }))
        }
    }

    /// A JSON value as a document.
    static func document(_ value: JSONValue, type: MediaType = .json) -> Node {
        .document(type) { JSONEncoding.bytes(value) }
    }
}
