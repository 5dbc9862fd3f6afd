/// A change that a person asks for of a domain's definition, or of the domain that runs.
public enum DefinitionEdit: Sendable {
    /// An identity, if one is wanted, and values, all of them written down.
    case enable(GuestIdentity?, [InstanceElement.Assignment])
    /// What `enable` put in taken out.
    case disable
    /// Values written.
    case set([InstanceElement.Assignment])
    /// Values taken out.
    case unset([ElementPath])
    /// Another element in the place of the operator's; none for `nil`.
    case replaceElement(String?)

    /// Makes the change.
    ///
    /// - Returns: what could not be done as it was asked, a sentence each.
    /// - Throws: ``DefinitionFailure`` where it cannot be made at all, and `XMLError` where what stands there is no XML.
    public func apply(to definition: inout DomainDefinition) throws -> [String] {
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
