import Synchronization

/// Bounds the memory that guests may make the server keep at one time, over all threads: unread replies, incomplete heads,
/// waiting requests.
///
/// The sum has a bound however many connections there are. A connection takes memory when bytes stay with it that neither the
/// guest nor the kernel has accepted; a request that is answered at once takes none, and touches none of these counters.
final class GuestMemory: Sendable {
    /// In all, in bytes: with what connections cost themselves (``free`` and about one KiB), 8,192 of them stay below 256 MiB.
    static let most = 64 << 20
    /// One client may have an eighth of what is left, about seven MiB of all: more than the largest user data. So several clients
    /// together never take all, and leave the next one its proportion.
    private static let share = 8
    /// The free amount of each connection, in bytes: the head of any cloud agent's request, and a reply that the kernel accepts a
    /// moment later.
    static let free = 4 << 10

    private let total = Atomic<Int>(0)

    /// The memory of all connections together, beyond the free amount of each.
    var taken: Int { total.load(ordering: .relaxed) }

    /// Changes the memory of one connection.
    ///
    /// - Parameters:
    ///   - old: the bytes that it has.
    ///   - new: the bytes that it needs.
    ///   - rateLimit: its client's; `nil` for a peer that stands for many, which may have all that is left.
    /// - Returns: whether it has `new` now; otherwise it keeps `old`.
    func change(from old: Int, to new: Int, for rateLimit: RateLimit?) -> Bool {
        let more = new - old
        // Two threads may check at the same time; then the bound is exceeded by a little, once.
        let left = Self.most - taken
        if more > 0 {
            guard more <= left, Self.isShare(more, of: left - more, for: rateLimit) else { return false }
        }
        total.wrappingAdd(more, ordering: .relaxed)
        rateLimit?.memory.wrappingAdd(more, ordering: .relaxed)
        return true
    }

    /// Whether a client that gets so much more stays within its share of what is left then.
    private static func isShare(_ more: Int, of left: Int, for rateLimit: RateLimit?) -> Bool {
        guard let rateLimit else { return true }
        return rateLimit.memory.load(ordering: .relaxed) + more <= left / share
    }
}
