import NIOCore
import Synchronization

/// What one caller may ask for in a while, over all its connections together: two token buckets, of requests and of bytes.
///
/// A bucket holds what flows into it in two seconds. Bytes are known only when a reply is made, so a reply may leave its bucket in
/// debt, and nothing is answered until that is made up for: whoever reads what is large waits, and is not cut off.
final class Allowance: Sendable {
    /// How fast buckets fill.
    struct Rates: Sendable {
        var requestsPerSecond: Int
        var bytesPerSecond: Int
    }

    /// For how long a bucket fills until it is full.
    static let burst = TimeAmount.seconds(2)

    private let rates: Rates
    // When each bucket would be full if nothing more were taken out, in nanoseconds of uptime: all that there is to a bucket.
    private let requestsFull = Atomic<Int64>(0)
    private let bytesFull = Atomic<Int64>(0)

    init(_ rates: Rates) {
        self.rates = rates
    }

    /// Takes a request out, if that is there.
    ///
    /// - Returns: `nil` where it was; else in how many seconds, at least one, it will be.
    func takeRequest(at time: NIODeadline) -> Int? {
        let now = Int64(time.uptimeNanoseconds)
        let fullest = max(
            requestsFull.load(ordering: .relaxed) + 1_000_000_000 / Int64(rates.requestsPerSecond),
            bytesFull.load(ordering: .relaxed))
        let missing = fullest - now - Self.burst.nanoseconds
        guard missing <= 0 else { return Int((missing - 1) / 1_000_000_000) + 1 }
        take(1, of: rates.requestsPerSecond, from: requestsFull, now)
        return nil
    }

    /// Takes bytes out, whether they are there or not.
    func takeBytes(_ count: Int, at time: NIODeadline) {
        take(count, of: rates.bytesPerSecond, from: bytesFull, Int64(time.uptimeNanoseconds))
    }

    /// Whether nothing is known of the caller any more: both buckets are full.
    func isWhole(at time: NIODeadline) -> Bool {
        let now = Int64(time.uptimeNanoseconds)
        return requestsFull.load(ordering: .relaxed) <= now && bytesFull.load(ordering: .relaxed) <= now
    }

    private func take(_ count: Int, of rate: Int, from bucket: borrowing Atomic<Int64>, _ now: Int64) {
        let cost = Int64(Double(count) * 1_000_000_000 / Double(rate))
        var full = bucket.load(ordering: .relaxed)
        // Another event loop may take from it at the same time.
        while true {
            let (exchanged, original) = bucket.weakCompareExchange(
                expected: full, desired: max(full, now) + cost, ordering: .relaxed)
            if exchanged { return }
            full = original
        }
    }
}
