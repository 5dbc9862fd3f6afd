import Common
import Testing

@testable import Server

/// How connections and held requests are counted.
struct CensusTests {
    private static let (one, other) = (Census.Caller.address(IPAddress(v4: 1)), Census.Caller.address(IPAddress(v4: 2)))

    @Test func `a connection that is not admitted is not counted`() {
        let census = Self.census(connections: 3, perCaller: 2)
        #expect(census.admit(Self.one) && census.admit(Self.one))
        for _ in 0..<5 { #expect(!census.admit(Self.one)) }
        #expect(census.admit(Self.other), "one of three is left")
        for caller in [Self.one, Self.other, nil] { #expect(!census.admit(caller)) }
        census.dismiss(Self.one)
        #expect(census.admit(Self.one))
        census.dismiss(Self.other)
        #expect(!census.admit(Self.one))
        #expect(census.admit(nil))
    }

    @Test func `who stands for many callers is counted in all only`() {
        let census = Self.census(connections: 3, perCaller: 1)
        for _ in 0..<3 { #expect(census.admit(nil)) }
        #expect(!census.admit(nil))
    }

    @Test func `a guest is its hardware address, whatever addresses it takes`() {
        let mac = MACAddress(bits: 7)
        let (first, second) = (Caller(address: IPAddress(v4: 1), mac: mac), Caller(address: IPAddress(v4: 2), mac: mac))
        #expect(Census.Caller(first) == Census.Caller(second))
        #expect(
            Census.Caller(Caller(address: IPAddress(v4: 1), mac: nil))
                != Census.Caller(Caller(address: IPAddress(v4: 2), mac: nil)))
    }

    @Test func `held requests are counted up to their limit`() {
        let census = Self.census(held: 2)
        #expect(census.beginHolding() && census.beginHolding())
        for _ in 0..<3 { #expect(!census.beginHolding()) }
        census.endHolding()
        #expect(census.beginHolding())
        #expect(!census.beginHolding())
    }

    private static func census(connections: Int = 10, perCaller: Int = 10, held: Int = 10) -> Census {
        var limits = Configuration.Limits()
        (limits.connections, limits.connectionsPerCaller, limits.heldRequests) = (connections, perCaller, held)
        return Census(limits: limits)
    }
}
