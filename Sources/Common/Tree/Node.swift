/// A node of a metadata tree: a text, bytes, a document, or a directory.
///
/// A node does not depend on its transport: a server sends it, and a config drive could write it to a file.
package enum Node: Sendable {
    case text(String)
    case bytes([UInt8])
    /// A document that is expensive to render, and so is rendered when it is read, not when it is listed; one with a signature
    /// may not be signed yet.
    case document(MediaType, @Sendable () throws(Unsigned) -> [UInt8])
    case directory(Directory)

    /// The content that a reader gets; for a directory, its listing.
    ///
    /// - Throws: `Unsigned` if a required signature is missing.
    package var content: Content {
        get throws(Unsigned) {
            switch self {
            case .text(let text): Content(body: .text(text), type: .plainText)
            case .bytes(let bytes): Content(body: .bytes(bytes), type: .plainText)
            case .document(let type, let make): Content(body: .bytes(try make()), type: type)
            case .directory(let directory): Content(body: .text(directory.listing), type: .plainText)
            }
        }
    }
}

package enum MediaType: Sendable, Equatable {
    case plainText, json
}

/// The bytes of a node and their media type.
package struct Content: Sendable {
    /// A `String` or bytes, whichever the node has, so that nothing is copied before it is sent.
    package enum Body: Sendable {
        case text(String)
        case bytes([UInt8])
    }

    package let body: Body
    package let type: MediaType

    package init(body: Body, type: MediaType) {
        (self.body, self.type) = (body, type)
    }

    package var bytes: [UInt8] {
        switch body {
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        }
    }
}
