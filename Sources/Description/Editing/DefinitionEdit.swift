/// A command's change of a domain's definition, or of the running domain.
package enum DefinitionEdit: Sendable {
    /// Writes the SMBIOS entries of an identity and values, and records them.
    ///
    /// Without an identity the domain keeps one that makes its guest request metadata here, else gets OpenStack's. `replaces` is
    /// whether entries written by hand that contradict the identity are replaced.
    case enable(SMBIOSIdentity?, [InstanceElement.Assignment], replaces: Bool = false)
    /// Removes the entries and values that `enable` wrote.
    case disable
    /// Writes values.
    case set([InstanceElement.Assignment])
    /// Removes values.
    case unset([ElementPath])
    /// Replaces the operator's element; removes it for `nil`.
    case replaceElement(String?)

    /// Whether more than the operator's element may change, for which libvirt needs the whole definition.
    package var redefines: Bool {
        switch self {
        case .enable, .disable: true
        case .set, .unset, .replaceElement: false
        }
    }

    /// - Returns: the skipped parts of the edit, each with the reason.
    /// - Throws: ``DefinitionFailure`` where the edit is impossible, and `ParseError` where the definition is not XML.
    package func apply(to definition: inout DomainDefinition) throws -> [String] {
        switch self {
        case .enable(let identity, let assignments, let replaces):
            try definition.enable(identity, assignments, replacing: replaces)
        case .disable: try definition.disable()
        case .set(let assignments): try definition.set(assignments)
        case .unset(let paths):
            return try definition.unset(paths).map { "\($0): not set" }
        case .replaceElement(let text): try definition.replaceElement(by: text)
        }
        return definition.remarks
    }
}
