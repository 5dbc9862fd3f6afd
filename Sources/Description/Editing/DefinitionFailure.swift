/// Why an edit of a domain's definition is impossible, and what to do; in one sentence.
package struct DefinitionFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ problem: String) { description = problem }
}
