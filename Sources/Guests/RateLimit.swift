import NIOCore
import Synchronization

/// The rate limit of one client, over all its connections together: three token buckets, of requests, of bytes, and of the time
/// that answering takes.
///
/// A bucket holds what flows into it in two seconds. Bytes and time are known only when a reply is made, so a reply may overdraw
/// its bucket, and nothing is answered until the debt is refilled: a guest that reads large or costly paths waits, and is not cut
/// off. A request is charged all the time that it took.
package final class RateLimit: Sendable {
    /// How fast buckets fill.
    package struct Rates: Sendable {
        package var requestsPerSecond: Int
        package var bytesPerSecond: Int
        package var cpuPerSecond = Duration.milliseconds(200)
    }

    /// How long an empty bucket takes to fill.
    static let burst = TimeAmount.seconds(2)
    /// How long a bucket of time is in debt at most, so that a guest is answered again soon after: the rest of a larger debt is
    /// dropped. With the default rate it is two seconds of a processor, which no request takes.
    static let longestDebt = TimeAmount.seconds(10)

    private let rates: Rates
    // When each bucket would be full if nothing more were taken out, in nanoseconds of uptime: the whole state of a bucket.
    private let requestsFull = Atomic<Int64>(0)
    private let bytesFull = Atomic<Int64>(0)
    private let timeFull = Atomic<Int64>(0)

    init(_ rates: Rates) {
        self.rates = rates
    }

    /// Takes one request out of the bucket, if there is one.
    ///
    /// - Returns: `nil` if there was; otherwise the number of seconds, at least one, until there is.
    func takeRequest(at time: NIODeadline) -> Int? {
        let now = Int64(time.uptimeNanoseconds)
        let fullest = max(
            requestsFull.load(ordering: .relaxed) + 1_000_000_000 / Int64(rates.requestsPerSecond),
            bytesFull.load(ordering: .relaxed), timeFull.load(ordering: .relaxed))
        let missing = fullest - now - Self.burst.nanoseconds
        guard missing <= 0 else { return Int((missing - 1) / 1_000_000_000) + 1 }
        Self.take(1 / Double(rates.requestsPerSecond), from: requestsFull, now)
        return nil
    }

    /// Takes bytes out, overdrawing the bucket where it has too few.
    func takeBytes(_ count: Int, at time: NIODeadline) {
        Self.take(Double(count) / Double(rates.bytesPerSecond), from: bytesFull, Int64(time.uptimeNanoseconds))
    }

    /// Takes out the time that answering a request took, overdrawing the bucket where it has too little.
    func takeTime(_ amount: TimeAmount, at time: NIODeadline) {
        let charged = Duration.nanoseconds(amount.nanoseconds)
        Self.take(
            charged / rates.cpuPerSecond, from: timeFull, Int64(time.uptimeNanoseconds),
            atMost: (Self.burst + Self.longestDebt).nanoseconds)
    }

    /// Whether more time was taken out than there was.
    func owesTime(at time: NIODeadline) -> Bool {
        timeFull.load(ordering: .relaxed) - Int64(time.uptimeNanoseconds) > Self.burst.nanoseconds
    }

    /// Whether all buckets are full, so that nothing has to be remembered of the client.
    func isFull(at time: NIODeadline) -> Bool {
        let now = Int64(time.uptimeNanoseconds)
        return requestsFull.load(ordering: .relaxed) <= now && bytesFull.load(ordering: .relaxed) <= now
            && timeFull.load(ordering: .relaxed) <= now
    }

    /// Takes out of a bucket what flows into it in some seconds.
    ///
    /// - Parameter most: how long the bucket takes to fill then, at most, in nanoseconds.
    static func take(_ seconds: Double, from bucket: borrowing Atomic<Int64>, _ now: Int64, atMost most: Int64? = nil) {
        let cost = Int64(seconds * 1_000_000_000)
        var full = bucket.load(ordering: .relaxed)
        // Another thread may take from it at the same time.
        while true {
            var next = max(full, now) + cost
            if let most { next = min(next, max(full, now + most)) }
            let (exchanged, original) = bucket.weakCompareExchange(expected: full, desired: next, ordering: .relaxed)
            if exchanged { return }
            full = original
        }
    }
}
