import Common
import NIOCore
import TestSupport
import Testing

@testable import Guests

/// Counting of connections, held requests and rates.
struct ConnectionLimitsTests {
    private static let one = ConnectionLimits.Key.address(IPAddress(v4: 1))
    private static let other = ConnectionLimits.Key.address(IPAddress(v4: 2))

    @Test func `a connection that is not admitted is not counted`() throws {
        let limits = Self.limits(connections: 3, perClient: 2)
        let slot = try #require(limits.admit(Self.one))
        #expect(limits.admit(Self.one) != nil)
        for _ in 0..<5 { #expect(limits.admit(Self.one) == nil) }
        let others = try #require(limits.admit(Self.other), "one of three is left")
        for client in [Self.one, Self.other, nil] { #expect(limits.admit(client) == nil) }
        limits.release(slot)
        #expect(limits.admit(Self.one) != nil)
        limits.release(others)
        #expect(limits.admit(Self.one) == nil)
        #expect(limits.admit(nil) != nil)
    }

    @Test func `a peer that stands for many clients is counted in the total only`() throws {
        let limits = Self.limits(connections: 3, perClient: 1, held: 2, heldPerClient: 1)
        let slots = (0..<3).compactMap { _ in limits.admit(nil) }
        #expect(slots.count == 3)
        #expect(limits.admit(nil) == nil)
        #expect(limits.beginHolding(slots[0]) && limits.beginHolding(slots[1]))
        for _ in 0..<10_000 { #expect(limits.takeRequest(slots[0]) == nil) }
    }

    @Test func `a guest is counted by its hardware address, whatever IP addresses it uses`() {
        let mac = MACAddress(bits: 7)
        let (first, second) = (Client(address: IPAddress(v4: 1), mac: mac), Client(address: IPAddress(v4: 2), mac: mac))
        #expect(ConnectionLimits.Key(first) == ConnectionLimits.Key(second))
        #expect(
            ConnectionLimits.Key(Client(address: IPAddress(v4: 1), mac: nil))
                != ConnectionLimits.Key(Client(address: IPAddress(v4: 2), mac: nil)))
    }

    @Test func `a guest is counted by its port where that is known, whatever hardware addresses it sends`() {
        let clients = (1...3).map { number in
            Client(
                address: IPAddress(v4: UInt32(number)), mac: MACAddress(bits: UInt64(number)),
                entrance: .port("tap0", bridge: "br0"))
        }
        #expect(Set(clients.map(ConnectionLimits.Key.init)) == [.port("tap0")])
        for entrance in [Client.Entrance.bridge("br0"), .unknown, .named] {
            let client = Client(address: IPAddress(v4: 1), mac: MACAddress(bits: 7), entrance: entrance)
            #expect(ConnectionLimits.Key(client) == .mac(MACAddress(bits: 7)))
        }
    }

    @Test func `a port can open its first connections beyond the limit, and clients without a port leave a quarter`() throws {
        let metLimits = MetLimits()
        let limits = Self.limits(connections: 16, perClient: 100, servesBridges: true, metLimits)
        let withoutPort = (0..<16).compactMap { limits.admit(.address(IPAddress(v4: UInt32($0)))) }
        #expect(withoutPort.count == 12)
        #expect(limits.admit(nil) == nil, "a trusted peer has no port either")
        #expect(metLimits.all == Array(repeating: .allConnections, count: 5))
        // The rest, and the reserve of each port.
        let flood = (0..<20).compactMap { _ in limits.admit(.port("tap0")) }
        #expect(flood.count == 8)
        let others = (0..<20).compactMap { _ in limits.admit(.port("tap1")) }
        #expect(others.count == 4, "the reserve has a bound too: half as many as there may be connections")
        #expect(limits.present.connections == 24)
        for slot in flood { limits.release(slot) }
        #expect(limits.admit(.port("tap2")) != nil)
        for slot in withoutPort { limits.release(slot) }
        #expect(limits.admit(.address(IPAddress(v4: 1))) != nil)
    }

    @Test func `where no bridge is served any client may have all connections`() {
        let limits = Self.limits(connections: 16, perClient: 100)
        #expect((0..<20).compactMap { limits.admit(.address(IPAddress(v4: UInt32($0)))) }.count == 16)
        #expect(limits.admit(.port("tap0")) == nil)
    }

    @Test func `held requests are counted up to their limits`() throws {
        let limits = Self.limits(held: 3, heldPerClient: 2)
        let (slot, others) = (try #require(limits.admit(Self.one)), try #require(limits.admit(Self.other)))
        #expect(limits.beginHolding(slot) && limits.beginHolding(slot))
        for _ in 0..<3 { #expect(!limits.beginHolding(slot)) }
        #expect(limits.beginHolding(others))
        #expect(!limits.beginHolding(others), "three in all")
        limits.endHolding(slot)
        #expect(limits.beginHolding(slot))
        #expect(!limits.beginHolding(slot))
    }

    @Test func `a limit that a client meets is reported, and so is one of all clients`() throws {
        let metLimits = MetLimits()
        let limits = Self.limits(connections: 2, perClient: 1, held: 1, heldPerClient: 0, metLimits)
        let slot = try #require(limits.admit(Self.one))
        #expect(limits.admit(Self.one) == nil)
        #expect(!limits.beginHolding(slot))
        while limits.takeRequest(slot) == nil {}
        #expect(metLimits.all == [.connections, .heldRequests, .requests])
        #expect(limits.admit(Self.other) != nil)
        #expect(limits.admit(.address(IPAddress(v4: 3))) == nil)
        #expect(metLimits.all.last == .allConnections)
        let crowd = Self.limits(held: 0, heldPerClient: 1, metLimits)
        let waiting = try #require(crowd.admit(Self.one))
        #expect(!crowd.beginHolding(waiting))
        #expect(metLimits.all.last == .allHeldRequests)
    }

    @Test func `a client's rate limit outlives its connections, but not for ever`() throws {
        let limits = Self.limits(connections: 100_000)
        let now = NIODeadline.now()
        let first = try #require(limits.admit(Self.one))
        while limits.takeRequest(first, at: now) == nil {}
        limits.release(first)
        // More clients than are remembered without need.
        for number in 10..<5000 {
            limits.release(try #require(limits.admit(.address(IPAddress(v4: UInt32(number))))))
        }
        #expect(limits.remembered < 200)
        let second = try #require(limits.admit(Self.one))
        #expect(second.rateLimit === first.rateLimit)
        #expect(limits.takeRequest(second, at: now) != nil)
    }

    // MARK: Buckets

    private static let rates = RateLimit.Rates(requestsPerSecond: 10, bytesPerSecond: 1000)

    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `two seconds' worth of requests may come at once, and then as many as the bucket fills`() {
        let rateLimit = RateLimit(Self.rates)
        for _ in 0..<20 { #expect(rateLimit.takeRequest(at: Self.time(0)) == nil) }
        for _ in 0..<3 { #expect(rateLimit.takeRequest(at: Self.time(0)) == 1) }
        #expect(rateLimit.takeRequest(at: Self.time(99)) == 1)
        #expect(rateLimit.takeRequest(at: Self.time(100)) == nil)
        #expect(rateLimit.takeRequest(at: Self.time(100)) == 1)
        #expect(!rateLimit.isFull(at: Self.time(2099)))
        #expect(rateLimit.isFull(at: Self.time(2100)))
        for _ in 0..<20 { #expect(rateLimit.takeRequest(at: Self.time(60_000)) == nil) }
        #expect(rateLimit.takeRequest(at: Self.time(60_000)) == 1, "a bucket holds no more than two seconds' worth")
    }

    @Test func `a large reply delays the requests after it`() {
        let rateLimit = RateLimit(Self.rates)
        #expect(rateLimit.takeRequest(at: Self.time(0)) == nil)
        rateLimit.takeBytes(10_000, at: Self.time(0))
        #expect(rateLimit.takeRequest(at: Self.time(0)) == 8)
        #expect(rateLimit.takeRequest(at: Self.time(7_000)) == 1)
        #expect(rateLimit.takeRequest(at: Self.time(8_000)) == nil)
        #expect(!rateLimit.isFull(at: Self.time(9_999)))
        #expect(rateLimit.isFull(at: Self.time(10_000)))
    }

    @Test func `the time of a request delays those after it, for some seconds at most`() {
        let rateLimit = RateLimit(Self.rates)
        // 20 % of the time, and two seconds' worth at once.
        for _ in 0..<10 {
            #expect(rateLimit.takeRequest(at: Self.time(0)) == nil)
            rateLimit.takeTime(.milliseconds(40), at: Self.time(0))
        }
        #expect(rateLimit.takeRequest(at: Self.time(0)) == nil)
        rateLimit.takeTime(.milliseconds(40), at: Self.time(0))
        #expect(rateLimit.takeRequest(at: Self.time(0)) == 1)
        #expect(rateLimit.takeRequest(at: Self.time(200)) == nil)
        #expect(!rateLimit.isFull(at: Self.time(2199)))
        #expect(rateLimit.isFull(at: Self.time(2200)))
        rateLimit.takeTime(.milliseconds(700), at: Self.time(10_000))
        #expect(rateLimit.takeRequest(at: Self.time(10_000)) == 2, "one long request is charged the whole of its time")
        #expect(rateLimit.takeRequest(at: Self.time(11_500)) == nil)
        for _ in 0..<3 { rateLimit.takeTime(.seconds(100), at: Self.time(20_000)) }
        #expect(rateLimit.takeRequest(at: Self.time(20_000)) == 10, "the debt has a bound")
        #expect(rateLimit.takeRequest(at: Self.time(30_000)) == nil)
        #expect(!rateLimit.isFull(at: Self.time(31_999)))
        #expect(rateLimit.isFull(at: Self.time(32_000)))
    }

    @Test func `two threads take out of one bucket without loss`() async {
        let rateLimit = RateLimit(RateLimit.Rates(requestsPerSecond: 1_000_000, bytesPerSecond: 1_000_000))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { for _ in 0..<100_000 { rateLimit.takeBytes(100, at: Self.time(0)) } }
            }
        }
        #expect(!rateLimit.isFull(at: Self.time(19_999)))
        #expect(rateLimit.isFull(at: Self.time(20_000)))
    }

    private final class MetLimits: Sendable {
        private let met = Locked<[ConnectionLimits.Exceeded]>([])
        var all: [ConnectionLimits.Exceeded] { met.withLock { $0 } }
        func note(_ exceeded: ConnectionLimits.Exceeded) { met.withLock { $0.append(exceeded) } }
    }

    private static func limits(
        connections: Int = 10, perClient: Int = 10, held: Int = 10, heldPerClient: Int = 10, servesBridges: Bool = false,
        _ metLimits: MetLimits = MetLimits()
    ) -> ConnectionLimits {
        var limits = GuestLimits()
        limits.servesBridges = servesBridges
        (limits.connections, limits.connectionsPerClient) = (connections, perClient)
        (limits.heldRequests, limits.heldPerClient) = (held, heldPerClient)
        return ConnectionLimits(limits: limits) { _, exceeded in metLimits.note(exceeded) }
    }
}
