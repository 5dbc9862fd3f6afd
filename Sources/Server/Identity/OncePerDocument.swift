import Common

/// What is made of a document, kept for when the same one is asked for again: a signature costs two thirds of a millisecond, and a
/// guest's document is always the same.
final class OncePerDocument: Sendable {
    /// How many are kept: half a megabyte of them, as a guest asks again soon or not at all. Then all are made anew.
    private static let most = 256

    private let make: @Sendable ([UInt8]) throws -> String
    private let made = Locked<[[UInt8]: String]>([:])

    init(_ make: @escaping @Sendable ([UInt8]) throws -> String) {
        self.make = make
    }

    /// What is made of a document.
    @Sendable func text(of document: [UInt8]) -> String {
        if let known = made.withLock({ $0[document] }) { return known }
        guard let text = try? make(document) else {
            preconditionFailure("a key that was read can sign anything")
        }
        made.withLock { made in
            if made.count >= Self.most { made.removeAll() }
            made[document] = text
        }
        return text
    }
}
