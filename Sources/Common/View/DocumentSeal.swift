/// How a document is vouched for, so that whoever is shown it can tell where it comes from. Each form is made from the document's
/// bytes alone, and is always the same.
public struct DocumentSeal: Sendable {
    /// The signature by itself.
    public let signature: @Sendable ([UInt8]) -> String
    /// The document together with its signature.
    public let signedDocument: @Sendable ([UInt8]) -> String

    /// A seal of these two forms.
    public init(
        signature: @escaping @Sendable ([UInt8]) -> String, signedDocument: @escaping @Sendable ([UInt8]) -> String
    ) {
        (self.signature, self.signedDocument) = (signature, signedDocument)
    }
}
