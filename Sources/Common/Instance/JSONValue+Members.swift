extension JSONValue {
    /// A member as text; empty if there is none.
    package func text(_ name: String) -> String {
        switch self[name] {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .real(let number): "\(number)"
        case .bool(let bool): bool ? "yes" : "no"
        case .null, .array, .object, nil: ""
        }
    }

    /// A member as a number; zero if there is none.
    package func number(_ name: String) -> Double {
        switch self[name] {
        case .real(let number): number
        case .integer(let number): Double(number)
        default: 0
        }
    }
}
