package import Common

extension ParseError.Code {
    /// The document has a document type declaration, which is not needed here and could define entities.
    package static let documentType = Self(rawValue: "document-type")
    /// An `<instance>` element exists beside elements that would have to move into it.
    package static let alreadyNamespaced = Self(rawValue: "already-namespaced")
    /// The document has an element twice that is allowed once, or a form that no rewriting preserves.
    package static let ambiguous = Self(rawValue: "ambiguous")
}
