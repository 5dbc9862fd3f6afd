/// A command's change of a domain's definition, or of the running domain.
package enum DefinitionEdit: Sendable {
    /// Writes the SMBIOS entries of an identity, if any, and values, and records them.
    case enable(SMBIOSIdentity?, [InstanceElement.Assignment])
    /// Removes the entries and values that `enable` wrote.
    case disable
    /// Writes values.
    case set([InstanceElement.Assignment])
    /// Removes values.
    case unset([ElementPath])
    /// Replaces the operator's element; removes it for `nil`.
    case replaceElement(String?)

    /// - Returns: the skipped parts of the edit, each with the reason.
    /// - Throws: ``DefinitionFailure`` where the edit is impossible, and `ParseError` where the definition is not XML.
    package func apply(to definition: inout DomainDefinition) throws -> [String] {
        switch self {
        case .enable(let identity, let assignments): try definition.enable(identity, assignments)
        case .disable: try definition.disable()
        case .set(let assignments): try definition.set(assignments)
        case .unset(let paths):
            return try definition.unset(paths).map { "there was nothing at \($0)" }
        case .replaceElement(let text): try definition.replaceElement(by: text)
        }
        return definition.remarks
    }
}
