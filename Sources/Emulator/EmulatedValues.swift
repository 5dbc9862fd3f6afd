package import Common

/// The values of an instance that differ from its source: set, or removed.
///
/// Any thread may change them; a change shows in the next reply.
package final class EmulatedValues: Sendable {
    package enum Value: Sendable {
        case content(Content)
        /// A member of a JSON document.
        case member(JSONValue)
        /// The entry, or the member, does not exist, whatever the source has.
        case absent
    }

    struct Setting: Sendable {
        let path: EmulatedPath
        let value: Value
    }

    /// How many values can differ: far more than a tree has entries.
    package static let most = 4096
    /// The longest value, in bytes: far more than any cloud's user data.
    package static let longest = 1 << 20

    /// In the order in which they were set; a later one prevails.
    private let settings = Locked<[Setting]>([])

    package init() {}

    /// The paths that differ.
    package var paths: [EmulatedPath] { current.map(\.path) }

    var current: [Setting] { settings.withLock { $0 } }

    /// Sets the text of an entry, or a member of a document: JSON where the text is JSON, else a string.
    ///
    /// - Throws: ``EmulatorError`` where the value is too long, or too many differ.
    package func set(_ path: EmulatedPath, to bytes: [UInt8]) throws(EmulatorError) {
        guard bytes.count <= Self.longest else {
            throw EmulatorError("the value of \(path) has \(bytes.count) bytes: expected at most \(Self.longest)")
        }
        guard path.member != nil else {
            let type: MediaType = path.isJSONDocument ? .json : .plainText
            return try put(path, .content(Content(body: .bytes(bytes), type: type)))
        }
        try put(path, .member(JSONDocument.value(ofText: bytes)))
    }

    /// Sets a member of a JSON document.
    package func set(_ path: EmulatedPath, to value: JSONValue) throws(EmulatorError) { try put(path, .member(value)) }

    /// Removes an entry with all below it, or a member.
    package func remove(_ path: EmulatedPath) throws(EmulatorError) { try put(path, .absent) }

    /// Gives an entry, and all below it, the value of the source again; does nothing where it has that value.
    package func restore(_ path: EmulatedPath) { settings.withLock { $0.removeAll { $0.path == path || $0.path.isBelow(path) } } }

    package func restoreAll() { settings.withLock { $0 = [] } }

    private func put(_ path: EmulatedPath, _ value: Value) throws(EmulatorError) {
        let isTaken = settings.withLock { settings in
            settings.removeAll { $0.path == path }
            guard settings.count < Self.most else { return false }
            settings.append(Setting(path: path, value: value))
            return true
        }
        guard isTaken else { throw EmulatorError("cannot set \(path): more than \(Self.most) values differ from the source") }
    }
}
