/// A cache of rendered documents: rendering one takes longer than sending it.
///
/// A document belongs to one instance, and an instance never changes: when its domain changes, the new instance starts without
/// cached documents. A cached document does not depend on the client or the time of the request.
package final class Renderings: Sendable {
    /// The bytes of a document in pieces; values that change with every reading go between them.
    package typealias Pieces = [[UInt8]]

    private struct Key: Hashable {
        let instance: UInt64
        let document, version: String
    }

    private struct Cache {
        var pieces: [Key: Pieces] = [:]
        var size = 0
    }

    /// The size limit of the cache in bytes; when it is reached, the cache is emptied. It holds some five hundred documents;
    /// guests that read a document again do so soon.
    private static let capacity = 1 << 20
    /// A larger document would evict many others and is rendered on every request.
    private static let largestDocument = capacity / 16
    /// The approximate cost of a document and of each of its pieces, in addition to the bytes.
    private static let overhead = (document: 128, piece: 48)

    private let cache = Locked(Cache())

    package init() {}

    /// The pieces of a document about an instance; `nil` if `make` returns `nil`.
    ///
    /// - Parameters:
    ///   - document: the name of the document.
    ///   - version: the API version; empty if all versions have the same document.
    ///   - make: renders the pieces if they are not cached, from the instance and the version alone.
    package func pieces(of document: String, in version: String = "", about instance: Instance, make: () -> Pieces?) -> Pieces? {
        let key = Key(instance: instance.serial, document: document, version: version)
        if let cached = cache.withLock({ $0.pieces[key] }) { return cached }
        // Copied, because an array that grew by appending may have up to twice the needed capacity.
        guard let rendered = make()?.map({ Array($0[...]) }) else { return nil }
        let size = rendered.reduce(Self.overhead.document) { $0 + $1.count + Self.overhead.piece }
        guard size <= Self.largestDocument else { return rendered }
        cache.withLock { cache in
            if cache.size + size > Self.capacity { cache = Cache() }
            // Two threads may have rendered it at the same time.
            if cache.pieces.updateValue(rendered, forKey: key) == nil { cache.size += size }
        }
        return rendered
    }
}
