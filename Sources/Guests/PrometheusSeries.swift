import Synchronization

/// A count that only grows.
package final class PrometheusCounter: Sendable {
    private let count = Atomic<Int64>(0)

    package var value: Int64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64 = 1) { count.wrappingAdd(amount, ordering: .relaxed) }
}

/// Durations as a histogram in seconds.
final class PrometheusHistogram: Sendable {
    /// The upper bounds of the buckets, in nanoseconds: an answer takes some hundred microseconds, and a held one, seconds.
    static let bounds: [Int64] = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000,
    ]

    private let buckets: [PrometheusCounter] = (0...bounds.count).map { _ in PrometheusCounter() }
    private let total = PrometheusCounter()

    func record(nanoseconds duration: Int64) {
        var bucket = 0
        while bucket < Self.bounds.count, duration > Self.bounds[bucket] { bucket += 1 }
        buckets[bucket].increment()
        total.increment(by: duration)
    }

    /// How many durations were at most as long as each bound and, last of all, how many there were.
    var cumulative: [Int64] {
        var sum: Int64 = 0
        return buckets.map { bucket in
            sum += bucket.value
            return sum
        }
    }

    /// All durations together, in seconds.
    var sum: Double { Double(total.value) / 1e9 }
}
