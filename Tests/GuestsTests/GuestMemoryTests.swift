import Synchronization
import TestSupport
import Testing

@testable import Guests

/// The shares of guests in the memory limit.
struct GuestMemoryTests {
    private static let rates = RateLimit.Rates(requestsPerSecond: 10, bytesPerSecond: 1000)
    private static let piece = 64 << 10

    @Test func `each guest gets an eighth of what the others leave`() {
        let memory = GuestMemory()
        let (one, other) = (RateLimit(Self.rates), RateLimit(Self.rates))
        let first = Self.fill(memory, for: one)
        #expect(first / Self.piece == GuestMemory.most / 9 / Self.piece)
        let second = Self.fill(memory, for: other)
        #expect(second / Self.piece == (GuestMemory.most - first) / 9 / Self.piece)
        #expect(memory.taken <= GuestMemory.most)
        #expect(memory.change(from: first, to: 0, for: one), "less is always granted")
        #expect(one.memory.load(ordering: .relaxed) == 0)
    }

    @Test func `however many guests take all they get, one more gets its share, within the limit`() {
        let memory = GuestMemory()
        for _ in 0..<40 { _ = Self.fill(memory, for: RateLimit(Self.rates), in: 1 << 10) }
        #expect(memory.taken <= GuestMemory.most)
        #expect(memory.change(from: 0, to: 64 << 10, for: RateLimit(Self.rates)), "forty guests, one after the other")
        #expect(Self.together(100) > 512 << 10, "a hundred in turns")
    }

    @Test func `a refused change is not counted, and a connection keeps what it had`() {
        let memory = GuestMemory()
        let rateLimit = RateLimit(Self.rates)
        #expect(memory.change(from: 0, to: Self.piece, for: rateLimit))
        #expect(!memory.change(from: Self.piece, to: GuestMemory.most, for: rateLimit))
        #expect(memory.taken == Self.piece)
        #expect(rateLimit.memory.load(ordering: .relaxed) == Self.piece)
    }

    @Test func `a peer that stands for many guests may have all that is left`() {
        let memory = GuestMemory()
        #expect(memory.change(from: 0, to: GuestMemory.most, for: nil))
        #expect(!memory.change(from: 0, to: 1, for: nil))
    }

    /// The memory of each of some guests that take as much as they get, in turns.
    private static func together(_ guests: Int) -> Int {
        let memory = GuestMemory()
        let rateLimits = (0..<guests).map { _ in RateLimit(rates) }
        while rateLimits.map({ memory.change(from: 0, to: 4 << 10, for: $0) }).contains(true) {}
        return rateLimits.map { $0.memory.load(ordering: .relaxed) }.min() ?? 0
    }

    /// Takes as much as one guest can get.
    private static func fill(_ memory: GuestMemory, for rateLimit: RateLimit, in piece: Int = piece) -> Int {
        var taken = 0
        while memory.change(from: taken, to: taken + piece, for: rateLimit) { taken += piece }
        return taken
    }
}
