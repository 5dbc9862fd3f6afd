import NIOCore
import Synchronization

/// The limit on new connections of one bridge port, over all its listening sockets and all threads together: a token bucket that accepting pays
/// from.
///
/// The rule at the port has the same limit, but counts SYNs alone: where the kernel answers with SYN cookies, each repetition of a guest's last
/// packet makes another connection without a SYN. While the bucket is empty nothing is accepted, so the kernel's queue for this port fills, and the
/// kernel drops what would make more.
package final class ConnectionRate: Sendable {
    /// How long an empty bucket takes to fill: a second longer than the rule's, so that connections that the rule has let through are never
    /// waited for, although the guest confirms or the server accepts some of them late and together.
    private static let burst = TimeAmount.seconds(3)

    private let connectionsPerSecond: Int
    /// When the bucket would be full if nothing more were taken out, in nanoseconds of uptime.
    private let full = Atomic<Int64>(0)

    package init(connectionsPerSecond: Int) { self.connectionsPerSecond = connectionsPerSecond }

    /// Whether another connection may be accepted.
    func allowsConnection(at time: NIODeadline) -> Bool {
        let next = full.load(ordering: .relaxed) + 1_000_000_000 / Int64(connectionsPerSecond)
        return next - Int64(time.uptimeNanoseconds) <= Self.burst.nanoseconds
    }

    /// Takes out an accepted connection, whatever becomes of it. Threads that accept at the same moment may overdraw the bucket.
    func takeConnection(at time: NIODeadline) {
        RateLimit.take(1 / Double(connectionsPerSecond), from: full, Int64(time.uptimeNanoseconds))
    }
}
