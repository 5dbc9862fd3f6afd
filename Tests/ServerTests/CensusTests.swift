import Common
import NIOCore
import Testing

@testable import Server

/// How connections, held requests and what callers ask for are counted.
struct CensusTests {
    private static let (one, other) = (Census.Caller.address(IPAddress(v4: 1)), Census.Caller.address(IPAddress(v4: 2)))

    @Test func `a connection that is not admitted is not counted`() throws {
        let census = Self.census(connections: 3, perCaller: 2)
        let seat = try #require(census.admit(Self.one))
        #expect(census.admit(Self.one) != nil)
        for _ in 0..<5 { #expect(census.admit(Self.one) == nil) }
        let others = try #require(census.admit(Self.other), "one of three is left")
        for caller in [Self.one, Self.other, nil] { #expect(census.admit(caller) == nil) }
        census.dismiss(seat)
        #expect(census.admit(Self.one) != nil)
        census.dismiss(others)
        #expect(census.admit(Self.one) == nil)
        #expect(census.admit(nil) != nil)
    }

    @Test func `who stands for many callers is counted in all only`() throws {
        let census = Self.census(connections: 3, perCaller: 1, held: 2, heldPerCaller: 1)
        let seats = (0..<3).compactMap { _ in census.admit(nil) }
        #expect(seats.count == 3)
        #expect(census.admit(nil) == nil)
        #expect(census.beginHolding(seats[0]) && census.beginHolding(seats[1]))
        for _ in 0..<10_000 { #expect(census.takeRequest(seats[0]) == nil) }
    }

    @Test func `a guest is its hardware address, whatever addresses it takes`() {
        let mac = MACAddress(bits: 7)
        let (first, second) = (Caller(address: IPAddress(v4: 1), mac: mac), Caller(address: IPAddress(v4: 2), mac: mac))
        #expect(Census.Caller(first) == Census.Caller(second))
        #expect(
            Census.Caller(Caller(address: IPAddress(v4: 1), mac: nil))
                != Census.Caller(Caller(address: IPAddress(v4: 2), mac: nil)))
    }

    @Test func `held requests are counted up to their limits`() throws {
        let census = Self.census(held: 3, heldPerCaller: 2)
        let (seat, others) = (try #require(census.admit(Self.one)), try #require(census.admit(Self.other)))
        #expect(census.beginHolding(seat) && census.beginHolding(seat))
        for _ in 0..<3 { #expect(!census.beginHolding(seat)) }
        #expect(census.beginHolding(others))
        #expect(!census.beginHolding(others), "three in all")
        census.endHolding(seat)
        #expect(census.beginHolding(seat))
        #expect(!census.beginHolding(seat))
    }

    @Test func `a limit that a caller meets is told of, one that all meet is nobody's`() throws {
        let told = Told()
        let census = Self.census(connections: 2, perCaller: 1, held: 1, heldPerCaller: 0, told)
        let seat = try #require(census.admit(Self.one))
        #expect(census.admit(Self.one) == nil)
        #expect(!census.beginHolding(seat))
        while census.takeRequest(seat) == nil {}
        #expect(told.all == [.connections, .heldRequests, .requests])
        #expect(census.admit(Self.other) != nil)
        #expect(census.admit(Self.other) == nil)
        #expect(told.all.count == 3)
    }

    @Test func `what a caller has taken is remembered over its connections, and not for ever`() throws {
        let census = Self.census(connections: 100_000)
        let now = NIODeadline.now()
        let first = try #require(census.admit(Self.one))
        while census.takeRequest(first, at: now) == nil {}
        census.dismiss(first)
        // More callers than are remembered for nothing.
        for number in 10..<5000 {
            census.dismiss(try #require(census.admit(.address(IPAddress(v4: UInt32(number))))))
        }
        #expect(census.remembered < 200)
        let second = try #require(census.admit(Self.one))
        #expect(second.allowance === first.allowance)
        #expect(census.takeRequest(second, at: now) != nil)
    }

    // MARK: Buckets

    private static let rates = Allowance.Rates(requestsPerSecond: 10, bytesPerSecond: 1000)

    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `two seconds' worth of requests may come at once, and then they come as fast as their bucket fills`() {
        let allowance = Allowance(Self.rates)
        for _ in 0..<20 { #expect(allowance.takeRequest(at: Self.time(0)) == nil) }
        for _ in 0..<3 { #expect(allowance.takeRequest(at: Self.time(0)) == 1) }
        #expect(allowance.takeRequest(at: Self.time(99)) == 1)
        #expect(allowance.takeRequest(at: Self.time(100)) == nil)
        #expect(allowance.takeRequest(at: Self.time(100)) == 1)
        #expect(!allowance.isWhole(at: Self.time(2099)))
        #expect(allowance.isWhole(at: Self.time(2100)))
        for _ in 0..<20 { #expect(allowance.takeRequest(at: Self.time(60_000)) == nil) }
        #expect(allowance.takeRequest(at: Self.time(60_000)) == 1, "a bucket holds no more than two seconds' worth")
    }

    @Test func `a large reply is paid for by those behind it`() {
        let allowance = Allowance(Self.rates)
        #expect(allowance.takeRequest(at: Self.time(0)) == nil)
        allowance.takeBytes(10_000, at: Self.time(0))
        #expect(allowance.takeRequest(at: Self.time(0)) == 8)
        #expect(allowance.takeRequest(at: Self.time(7_000)) == 1)
        #expect(allowance.takeRequest(at: Self.time(8_000)) == nil)
        #expect(!allowance.isWhole(at: Self.time(9_999)))
        #expect(allowance.isWhole(at: Self.time(10_000)))
    }

    @Test func `two event loops take out of one bucket without loss`() async {
        let allowance = Allowance(Allowance.Rates(requestsPerSecond: 1_000_000, bytesPerSecond: 1_000_000))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { for _ in 0..<100_000 { allowance.takeBytes(100, at: Self.time(0)) } }
            }
        }
        #expect(!allowance.isWhole(at: Self.time(19_999)))
        #expect(allowance.isWhole(at: Self.time(20_000)))
    }

    private final class Told: Sendable {
        private let excesses = Locked<[Census.Excess]>([])
        var all: [Census.Excess] { excesses.withLock { $0 } }
        func note(_ excess: Census.Excess) { excesses.withLock { $0.append(excess) } }
    }

    private static func census(
        connections: Int = 10, perCaller: Int = 10, held: Int = 10, heldPerCaller: Int = 10, _ told: Told = Told()
    ) -> Census {
        var limits = Configuration.Limits()
        (limits.connections, limits.connectionsPerCaller) = (connections, perCaller)
        (limits.heldRequests, limits.heldPerCaller) = (held, heldPerCaller)
        return Census(limits: limits) { _, excess in told.note(excess) }
    }
}
