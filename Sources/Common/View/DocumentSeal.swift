/// The signing of documents about an instance. Each form is computed from the document's bytes alone and is deterministic.
package struct DocumentSeal: Sendable {
    /// A form of the signature.
    package typealias Form = @Sendable (_ document: [UInt8], _ instance: Instance) throws(Unsigned) -> String

    /// The detached signature.
    package let signature: Form
    /// The document together with its signature.
    package let signedDocument: Form

    package init(signature: @escaping Form, signedDocument: @escaping Form) {
        (self.signature, self.signedDocument) = (signature, signedDocument)
    }
}

/// Why a document has no signature.
package enum Unsigned: Error, Sendable, Equatable {
    /// The document is not signed yet: signing takes too long to be done while other requests wait.
    case wanted([UInt8])
    /// Signing failed; the reason, for operators.
    case failed(String)
}
