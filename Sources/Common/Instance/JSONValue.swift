/// A JSON value (RFC 8259) as an operator wrote it or a document needs it; objects keep the order of their members.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The value of the first member of this name, if this is an object that has one.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// One name and its value in a JSON object.
public struct JSONMember: Sendable, Equatable {
    /// The member's name; an object holds each name once.
    public let name: String
    /// The member's value.
    public let value: JSONValue

    /// Puts a name to a value.
    public init(_ name: String, _ value: JSONValue) {
        (self.name, self.value) = (name, value)
    }
}
