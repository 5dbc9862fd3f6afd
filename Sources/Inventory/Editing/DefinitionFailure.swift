/// Why a domain's definition cannot be changed as it was asked, and what to do; in one sentence.
public struct DefinitionFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    /// A failure from its sentence.
    public init(_ problem: String) { description = problem }
}
