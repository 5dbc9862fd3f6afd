/// When a table is cleaned up: each time it has grown to twice its size after the last cleanup. The cost per entry is then
/// constant, and stale entries are never more than half of the table.
package struct TableLimit: Sendable {
    private let fewest: Int
    private let most: Int
    private var threshold: Int

    /// - Parameters:
    ///   - fewest: a table with fewer entries is not cleaned up.
    ///   - most: a table with this many entries is always cleaned up.
    package init(fewest: Int, most: Int = .max) {
        (self.fewest, self.most, threshold) = (fewest, most, fewest)
    }

    /// Whether a table of this size is due for a cleanup.
    package func isReached(by count: Int) -> Bool { count >= threshold }

    /// Removes stale entries if a cleanup is due.
    package mutating func tidy<Key, Value>(
        _ table: inout [Key: Value], keeping isWorthKeeping: (_ key: Key, _ value: Value) -> Bool
    ) {
        guard isReached(by: table.count) else { return }
        table = table.filter { isWorthKeeping($0.key, $0.value) }
        threshold = min(most, max(fewest, 2 * table.count))
    }
}
