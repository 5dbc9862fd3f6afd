/// A JSON value (RFC 8259); objects keep the order of their members.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])

    /// The value of the first member of this name; `nil` if there is none, or this is not an object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

package struct JSONMember: Sendable, Equatable {
    /// Unique in its object.
    package let name: String
    package let value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
        (self.name, self.value) = (name, value)
    }
}
