import Common
import NIOCore
import TestSupport
import Testing

@testable import Guests

/// The shares of guests in the memory limit, and who gives back what others need.
struct GuestMemoryTests {
    private static let rates = RateLimit.Rates(requestsPerSecond: 10, bytesPerSecond: 1000)
    private static let piece = 64 << 10
    /// A large unread reply: user data with an archive in them.
    private static let reply = 900_000
    /// The most that one guest gets, in pieces.
    private static let pieces = GuestMemory.most / 9 / piece

    @Test func `one guest gets a ninth, however little the others have`() {
        let memory = GuestMemory()
        let (one, other) = (RateLimit(Self.rates), RateLimit(Self.rates))
        let first = Self.fill(memory, for: one)
        #expect(first / Self.piece == Self.pieces)
        #expect(Self.fill(memory, for: other) == first)
        #expect(memory.change(from: first, to: 0, for: one), "less is always granted")
        #expect(memory.taken(by: one) == 0)
        #expect(memory.taken == first)
    }

    @Test(arguments: [1, 8, 36, 300])
    func `a guest gets its reply, however many others leave theirs unread`(attackers: Int) {
        let memory = GuestMemory()
        let (clients, left) = Self.leaveUnread(attackers, in: memory)
        #expect(memory.taken <= GuestMemory.most)
        for turn in 0..<20 {
            let now = Self.time(60_000 + turn)
            let victim = RateLimit(Self.rates)
            #expect(memory.change(from: 0, to: Self.reply, for: victim, at: now), "turn \(turn)")
            Self.giveBack(left, to: memory, at: now)
            // They ask again at once; they have given theirs back, and are not forgotten.
            for client in clients { _ = memory.change(from: 0, to: Self.piece, for: client, at: now) }
            Self.giveBack(left, to: memory, at: now)
            #expect(memory.taken(by: victim) == Self.reply, "it keeps what it has")
            #expect(memory.change(from: Self.reply, to: 0, for: victim, at: now))
        }
        #expect(memory.taken <= GuestMemory.most)
    }

    @Test func `a guest that had much is like any other after some minutes`() {
        let memory = GuestMemory()
        let (clients, left) = Self.leaveUnread(36, in: memory)
        for client in clients { _ = memory.change(from: memory.taken(by: client), to: 0, for: client, at: Self.time(70_000)) }
        #expect(memory.taken == 0)
        let others = (0..<8).map { _ in RateLimit(Self.rates) }
        for other in others { _ = memory.change(from: 0, to: 6 << 20, for: other, at: Self.time(600_000)) }
        #expect(left.isEmpty)
        #expect(memory.change(from: 0, to: Self.reply, for: clients[0], at: Self.time(601_000)))
        #expect(left.all.count == 1 && others.contains { $0 === left.all.first })
    }

    @Test func `those who have had most for longest give theirs back, and the one that asks for most gets nothing`() {
        let memory = GuestMemory()
        let left = Left()
        memory.onLeaving { left.append($0) }
        let old = RateLimit(Self.rates)
        #expect(memory.change(from: 0, to: 5 << 20, for: old, at: Self.time(0)))
        let others = (0..<7).map { _ in RateLimit(Self.rates) }
        for other in others { #expect(memory.change(from: 0, to: 6 << 20, for: other, at: Self.time(60_000))) }
        #expect(left.isEmpty)
        #expect(!memory.change(from: 0, to: 7 << 20, for: RateLimit(Self.rates), at: Self.time(60_000)), "more than any other")
        #expect(left.isEmpty, "nobody goes in vain")
        #expect(memory.change(from: 0, to: 5 << 20, for: RateLimit(Self.rates), at: Self.time(60_000)))
        #expect(left.all.count == 1 && left.all.first === old)
    }

    @Test func `a guest that has to give its memory back gets no more until it has`() {
        let memory = GuestMemory()
        let (clients, left) = Self.leaveUnread(8, in: memory)
        #expect(memory.change(from: 0, to: Self.reply, for: RateLimit(Self.rates), at: Self.time(60_000)))
        let leaving = left.all
        #expect(leaving.count == 1 && clients.contains { $0 === leaving.first })
        for client in leaving { #expect(!memory.change(from: 0, to: 1, for: client, at: Self.time(60_000))) }
        // Meanwhile nobody else has to go for the same bytes.
        #expect(memory.change(from: 0, to: Self.piece, for: RateLimit(Self.rates), at: Self.time(60_000)))
        #expect(left.all.count == 1)
        Self.giveBack(left, to: memory, at: Self.time(60_000))
        for client in leaving { #expect(memory.change(from: 0, to: 1, for: client, at: Self.time(60_000))) }
    }

    @Test func `the limit of all holds even where nothing is given back`() {
        let memory = GuestMemory()
        for _ in 0..<100 { _ = Self.fill(memory, for: RateLimit(Self.rates), in: 16 << 10) }
        #expect(memory.taken <= GuestMemory.most)
    }

    @Test func `a refused change is not counted, and a connection keeps what it had`() {
        let memory = GuestMemory()
        let rateLimit = RateLimit(Self.rates)
        #expect(memory.change(from: 0, to: Self.piece, for: rateLimit))
        #expect(!memory.change(from: Self.piece, to: GuestMemory.most, for: rateLimit))
        #expect(memory.taken == Self.piece)
        #expect(memory.taken(by: rateLimit) == Self.piece)
    }

    @Test func `a peer that stands for many guests may have all that is left`() {
        let memory = GuestMemory()
        #expect(memory.change(from: 0, to: GuestMemory.most, for: nil))
        #expect(!memory.change(from: 0, to: 1, for: nil))
        #expect(!memory.change(from: 0, to: 1, for: RateLimit(Self.rates)))
    }

    // MARK: Support

    /// The clients that had to give their memory back.
    private final class Left: Sendable {
        private let clients = Locked([RateLimit]())
        var all: [RateLimit] { clients.withLock { $0 } }
        var isEmpty: Bool { all.isEmpty }
        func append(_ client: RateLimit) { clients.withLock { $0.append(client) } }
        func takeAll() -> [RateLimit] {
            clients.withLock { clients in
                defer { clients = [] }
                return clients
            }
        }
    }

    /// Has clients take as much as they get, in turns, a while ago.
    private static func leaveUnread(_ count: Int, in memory: GuestMemory) -> ([RateLimit], Left) {
        let left = Left()
        memory.onLeaving { left.append($0) }
        let clients = (0..<count).map { _ in RateLimit(rates) }
        while clients.map({ memory.change(from: 0, to: piece, for: $0, at: time(10_000)) }).contains(true), left.isEmpty {}
        giveBack(left, to: memory, at: time(10_000))
        return (clients, left)
    }

    /// What threads do when they are told.
    private static func giveBack(_ left: Left, to memory: GuestMemory, at now: NIODeadline) {
        for client in left.takeAll() { _ = memory.change(from: memory.taken(by: client), to: 0, for: client, at: now) }
    }

    /// Takes as much as one guest can get.
    private static func fill(_ memory: GuestMemory, for rateLimit: RateLimit, in piece: Int = piece) -> Int {
        var taken = 0
        while memory.change(from: taken, to: taken + piece, for: rateLimit) { taken += piece }
        return taken
    }

    private static func time(_ milliseconds: Int) -> NIODeadline { .uptimeNanoseconds(UInt64(milliseconds) * 1_000_000) }
}
