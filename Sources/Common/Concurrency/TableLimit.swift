/// When a table is tidied: each time that it has grown to twice what was worth keeping the last time, so that an entry costs the same
/// however many there are, and what is not worth keeping is never more than the rest.
public struct TableLimit: Sendable {
    private let fewest: Int
    private let most: Int
    private var enough: Int

    /// - Parameters:
    ///   - fewest: with fewer entries a table is left alone.
    ///   - most: with as many it is tidied whatever was left the last time.
    public init(fewest: Int, most: Int = .max) {
        (self.fewest, self.most, enough) = (fewest, most, fewest)
    }

    /// Whether so many entries are enough to tidy a table.
    public func isReached(by count: Int) -> Bool { count >= enough }

    /// Drops what is not worth keeping, where there are enough entries.
    public mutating func tidy<Key, Value>(
        _ table: inout [Key: Value], keeping isWorthKeeping: (_ key: Key, _ value: Value) -> Bool
    ) {
        guard isReached(by: table.count) else { return }
        table = table.filter { isWorthKeeping($0.key, $0.value) }
        enough = min(most, max(fewest, 2 * table.count))
    }
}
