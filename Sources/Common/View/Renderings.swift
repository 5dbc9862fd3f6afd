/// The documents that were made of instances, kept for when they are asked for again: to make one takes longer than to send it.
///
/// A document belongs to the instance that it was made of, and an instance never changes: of the new one that a change of its domain
/// makes, nothing is kept yet. Nothing in a document that is kept depends on who asks, or when.
public final class Renderings: Sendable {
    /// The bytes of a document in pieces; between two of them belongs what is new with every reading.
    public typealias Pieces = [[UInt8]]

    private struct Key: Hashable {
        let instance: UInt64
        let document, version: String
    }

    private struct Kept {
        var pieces: [Key: Pieces] = [:]
        var size = 0
    }

    /// How many bytes are kept in all; then all are made anew. Some five hundred documents: what a guest reads again, it reads soon.
    private static let most = 1 << 20
    /// A document that is larger than this would push out many others, and is always made anew.
    private static let largest = most / 16
    /// What a document costs besides its bytes, and each of its pieces: about so many.
    private static let overhead = (document: 128, piece: 48)

    private let kept = Locked(Kept())

    /// Keeps nothing yet.
    public init() {}

    /// The pieces of a document about an instance; `nil` where `make` says so.
    ///
    /// - Parameters:
    ///   - document: its name.
    ///   - version: the version that it is read in; empty where all have the same.
    ///   - make: makes the pieces if they are not kept, from the instance and the version alone.
    public func pieces(of document: String, in version: String = "", about instance: Instance, make: () -> Pieces?) -> Pieces? {
        let key = Key(instance: instance.serial, document: document, version: version)
        if let known = kept.withLock({ $0.pieces[key] }) { return known }
        // Copied, for what was put together bit by bit has room for up to twice as much.
        guard let made = make()?.map({ Array($0[...]) }) else { return nil }
        let size = made.reduce(Self.overhead.document) { $0 + $1.count + Self.overhead.piece }
        guard size <= Self.largest else { return made }
        kept.withLock { kept in
            if kept.size + size > Self.most { kept = Kept() }
            // Two may have made it at the same time.
            if kept.pieces.updateValue(made, forKey: key) == nil { kept.size += size }
        }
        return made
    }
}
