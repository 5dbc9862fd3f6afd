import Common
import Glibc
import NIOCore

/// Bounds the memory that guests may make the server keep at one time, over all threads: unread replies, incomplete heads,
/// waiting requests.
///
/// The sum has a bound however many connections there are. A connection takes memory when bytes stay with it that neither the
/// guest nor the kernel has accepted; a request that is answered at once takes none, and touches none of these counters.
///
/// When most of it is taken, those who keep much for long give theirs back, so that a guest that reads is not refused for what others
/// leave unread. Until they have, a large reply may still be cut off.
final class GuestMemory: Sendable {
    /// In all, in bytes: with what connections cost themselves (``free`` and about one KiB), 8,192 of them stay below 256 MiB.
    static let most = 64 << 20
    /// The proportion that one client may have, seven MiB of all: more than the largest user data.
    fileprivate static let share = 9
    /// The proportion that is kept for those who need some while others are still giving theirs back.
    fileprivate static let reserve = 4
    /// The free amount of each connection, in bytes: the head of any cloud agent's request, and a reply that the kernel accepts a
    /// moment later.
    static let free = 4 << 10

    /// A client that has memory, or has had much of it not long ago.
    fileprivate struct Holder {
        /// How long it takes for half of the past to be forgotten, in milliseconds.
        private static let halfLife = 30_000.0
        /// How much is worth remembering: a reply of one MiB, read within a second.
        private static let worth = 1e9

        let client: RateLimit
        private(set) var bytes = 0
        /// Whether its connections are being closed.
        var isLeaving = false
        /// Its bytes times the milliseconds that it has had them, until the last change.
        private var past = 0.0
        private var changed: NIODeadline

        init(_ client: RateLimit, at now: NIODeadline) { (self.client, changed) = (client, now) }

        mutating func add(_ more: Int, at now: NIODeadline) {
            (past, changed) = (past(at: now), now)
            bytes += more
            if bytes == 0 { isLeaving = false }
        }

        /// What it costs the others: how much it has had for how long, and what it has now for a second more. So a guest that reads
        /// its reply is light, and one that leaves it unread is not, whether it keeps one reply or asks for another again and again.
        ///
        /// - Parameter more: the bytes that it asks for.
        func weight(with more: Int = 0, at now: NIODeadline) -> Double { past(at: now) + 1000 * Double(bytes + more) }

        func isWorthKeeping(at now: NIODeadline) -> Bool { bytes > 0 || past(at: now) > Self.worth }

        private func past(at now: NIODeadline) -> Double {
            let passed = max(0, Double((now - changed).nanoseconds) / 1_000_000)
            return past * exp2(-passed / Self.halfLife) + Double(bytes) * passed
        }
    }

    fileprivate struct State {
        /// The memory of all connections together, and the part of it that peers have who stand for many clients.
        var (taken, ofMany) = (0, 0)
        /// The part of it whose connections are being closed.
        var leaving = 0
        var holders: [ObjectIdentifier: Holder] = [:]
        var limit = TableLimit(fewest: 64)
        var onLeaving: (@Sendable (RateLimit) -> Void)?
    }

    private let state = Locked(State())

    /// The memory of all connections together, beyond the free amount of each.
    var taken: Int { state.withLock { $0.taken } }

    /// The memory of one client's connections.
    func taken(by client: RateLimit) -> Int { state.withLock { $0.holders[ObjectIdentifier(client)]?.bytes ?? 0 } }

    /// Has a function called with each client that is to give all its memory back; it has its connections closed that have some.
    func onLeaving(_ body: @escaping @Sendable (RateLimit) -> Void) { state.withLock { $0.onLeaving = body } }

    /// Changes the memory of one connection.
    ///
    /// - Parameters:
    ///   - old: the bytes that it has.
    ///   - new: the bytes that it needs.
    ///   - client: its client; `nil` for a peer that stands for many, which may have all that is left.
    /// - Returns: whether it has `new` now; otherwise it keeps `old`.
    func change(from old: Int, to new: Int, for client: RateLimit?, at now: NIODeadline = .now()) -> Bool {
        // Most connections end without having had any.
        guard new != old else { return true }
        guard new > old else {
            state.withLock { $0.add(new - old, to: client, at: now) }
            return true
        }
        let (leaving, tell): ([RateLimit]?, (@Sendable (RateLimit) -> Void)?) = state.withLock { state in
            guard let leaving = state.makeRoom(for: new - old, of: client, at: now) else { return (nil, nil) }
            state.add(new - old, to: client, at: now)
            return (leaving, state.onLeaving)
        }
        for client in leaving ?? [] { tell?(client) }
        return leaving != nil
    }
}

extension GuestMemory.State {
    fileprivate mutating func add(_ bytes: Int, to client: RateLimit?, at now: NIODeadline) {
        taken += bytes
        guard let client else { return ofMany += bytes }
        let id = ObjectIdentifier(client)
        var holder = holders.removeValue(forKey: id) ?? GuestMemory.Holder(client, at: now)
        if holder.isLeaving { leaving += bytes }
        holder.add(bytes, at: now)
        guard holder.isWorthKeeping(at: now) else { return }
        holders[id] = holder
        limit.tidy(&holders) { $1.isWorthKeeping(at: now) }
    }

    /// Makes room where there is too little.
    ///
    /// - Returns: the clients that have to give theirs back; `nil` if the asking one gets nothing.
    fileprivate mutating func makeRoom(for more: Int, of client: RateLimit?, at now: NIODeadline) -> [RateLimit]? {
        guard taken + more <= GuestMemory.most else { return nil }
        guard let client else { return [] }
        let room = GuestMemory.most - ofMany
        let own = holders[ObjectIdentifier(client)] ?? GuestMemory.Holder(client, at: now)
        guard !own.isLeaving, own.bytes + more <= room / GuestMemory.share else { return nil }
        let excess = taken - ofMany - leaving + more - (room - room / GuestMemory.reserve)
        guard excess > 0 else { return [] }
        guard let heaviest = heavier(than: own.weight(with: more, at: now), atLeast: excess, but: client, now) else { return nil }
        for holder in heaviest {
            holders[ObjectIdentifier(holder.client)]?.isLeaving = true
            leaving += holder.bytes
        }
        return heaviest.map(\.client)
    }

    /// The heaviest holders that have so much together; `nil` if they do not all weigh twice as much as the one that asks: of those
    /// who are about as heavy, none is to push the others out in turns.
    private func heavier(
        than weight: Double, atLeast bytes: Int, but client: RateLimit, _ now: NIODeadline
    ) -> [GuestMemory.Holder]? {
        var heavier: [(holder: GuestMemory.Holder, weight: Double)] = []
        var missing = bytes
        for holder in holders.values where holder.bytes > 0 && !holder.isLeaving && holder.client !== client {
            let other = holder.weight(at: now)
            guard other > 2 * weight else { continue }
            heavier.append((holder, other))
            missing -= holder.bytes
        }
        guard missing <= 0 else { return nil }
        heavier.sort { $0.weight > $1.weight }
        missing = bytes
        return heavier.prefix { other in
            defer { missing -= other.holder.bytes }
            return missing > 0
        }.map(\.holder)
    }
}
