import CoreMetrics
import Synchronization

/// A count that only grows.
final class PrometheusCounter: CounterHandler {
    private let count = Atomic<Int64>(0)

    var value: Int64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

/// A value that goes up and down.
final class PrometheusGauge: RecorderHandler, MeterHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }

    private func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = seen
        }
    }
}

/// How long things took, as a histogram in seconds.
final class PrometheusHistogram: TimerHandler {
    /// The upper bounds of the buckets, in nanoseconds: an answer takes some hundred microseconds, and one that is held, seconds.
    static let bounds: [Int64] = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000,
    ]

    private let buckets: [PrometheusCounter] = (0...bounds.count).map { _ in PrometheusCounter() }
    private let total = PrometheusCounter()

    func recordNanoseconds(_ duration: Int64) {
        var bucket = 0
        while bucket < Self.bounds.count, duration > Self.bounds[bucket] { bucket += 1 }
        buckets[bucket].increment(by: 1)
        total.increment(by: duration)
    }

    /// How many were at most as long as each bound and, last of all, how many there were.
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
