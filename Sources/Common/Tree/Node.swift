/// What stands at a place in a tree: a text, bytes, a document, or a directory of further places.
///
/// A node knows nothing of how it travels: a server sends it, a config drive would write it into a file.
public enum Node: Sendable {
    case text(String)
    case bytes([UInt8])
    /// A document that is costly to make, and so is made when it is read, not when it is listed.
    case document(MediaType, @Sendable () -> [UInt8])
    case directory(Directory)

    /// What a reader gets: a directory reads as its listing.
    public var content: Content {
        switch self {
        case .text(let text): Content(body: .text(text), type: .plainText)
        case .bytes(let bytes): Content(body: .bytes(bytes), type: .plainText)
        case .document(let type, let make): Content(body: .bytes(make()), type: type)
        case .directory(let directory): Content(body: .text(directory.listing), type: .plainText)
        }
    }
}

/// What kind of thing the bytes at a place are.
public enum MediaType: Sendable, Equatable {
    case plainText, json
}

/// The bytes at a place and their kind.
public struct Content: Sendable {
    /// Text that still is a `String`, or bytes: whichever the place has, so that nothing is copied before it is sent.
    public enum Body: Sendable {
        case text(String)
        case bytes([UInt8])
    }

    /// What is read.
    public let body: Body
    /// What kind of thing it is.
    public let type: MediaType

    /// A body of some kind.
    public init(body: Body, type: MediaType) {
        (self.body, self.type) = (body, type)
    }

    /// The content as bytes.
    public var bytes: [UInt8] {
        switch body {
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        }
    }
}
