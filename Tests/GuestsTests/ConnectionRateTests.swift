import Common
import NIOCore
import TestSupport
import Testing

@testable import Guests

/// The limit on new connections of one bridge port, at its listening sockets. The mark of the scope is that of unmarked packets.
struct ConnectionRateTests {
    private static let bridge = ListenScope.Bridge(name: "lo", index: 1)
    /// What the bucket of ten connections a second holds.
    private static let most = 30

    private static func scope(_ rate: ConnectionRate?, mac: MACAddress? = nil) -> ListenScope {
        .port(PortScope(bridge: bridge, port: "tap0", mac: mac, mark: 0, connectionRate: rate))
    }

    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000) + .milliseconds(milliseconds)
    }

    @Test func `a bucket allows three seconds' worth at once, and then as much as flows in`() {
        let rate = ConnectionRate(connectionsPerSecond: 10)
        for _ in 0..<Self.most {
            #expect(rate.allowsConnection(at: Self.time(0)))
            rate.takeConnection(at: Self.time(0))
        }
        #expect(!rate.allowsConnection(at: Self.time(99)))
        #expect(rate.allowsConnection(at: Self.time(100)))
        rate.takeConnection(at: Self.time(100))
        #expect(!rate.allowsConnection(at: Self.time(100)))
        for _ in 0..<Self.most {
            #expect(rate.allowsConnection(at: Self.time(60_000)))
            rate.takeConnection(at: Self.time(60_000))
        }
        #expect(!rate.allowsConnection(at: Self.time(60_000)), "a bucket holds no more")
    }

    @Test func `who keeps to the rule's limit never waits, though the server accepts a second's worth late and at once`() {
        let rate = ConnectionRate(connectionsPerSecond: 10)
        // The rule lets 20 through at once and ten a second later; the server is busy for a second whenever it likes.
        var accepted = 0
        for second in Int64(1)...60 {
            for _ in 0..<(second == 1 ? 30 : 10) {
                #expect(rate.allowsConnection(at: Self.time(second * 1000)))
                rate.takeConnection(at: Self.time(second * 1000))
                accepted += 1
            }
        }
        #expect(accepted == 620)
    }

    @Test(arguments: [1, 4])
    func `connections beyond the limit wait, over all sockets of the port and all threads, and are served later`(
        threads: Int
    ) async throws {
        let met = Locked<[ConnectionLimits.Key?]>([])
        try await LiveServer.run(
            threads: threads,
            onLimit: { client, exceeded in if exceeded == .connectionRate { met.withLock { $0.append(client) } } }
        ) { server in
            let rate = ConnectionRate(connectionsPerSecond: 10)
            let ports = [
                try await server.open(Self.scope(rate)), try await server.open(Self.scope(rate, mac: MACAddress(bits: 1))),
            ]
            let start = ContinuousClock.now
            let connections = try (0..<50).map { try RawConnection(to: ports[$0 % 2], from: Guests.web) }
            try await Task.sleep(for: .milliseconds(300))
            let open = server.connections
            let flown = Int((ContinuousClock.now - start) / .milliseconds(100)) + 1
            #expect(open >= Self.most)
            // Each thread may have found the last token.
            #expect(open <= Self.most + flown + threads, "\(open) are open")
            #expect(Set(met.withLock { $0 }) == [.port("tap0")])
            // Others are not concerned.
            #expect(try await server.get("/latest/user-data").status == 200)
            try await server.waitUntilOpen(50)
            try await connections[49].send("GET / HTTP/1.1\r\n\r\n")
            _ = try await connections[49].reply()
        }
    }

    @Test func `a connection that is refused at once is paid for too`() async throws {
        let refused = Locked(0)
        try await LiveServer.run(
            limits: { $0.connectionsPerClient = 2 },
            onLimit: { _, exceeded in if exceeded == .connections { refused.withLock { $0 += 1 } } }
        ) { server in
            let port = try await server.open(Self.scope(ConnectionRate(connectionsPerSecond: 10)))
            let start = ContinuousClock.now
            let connections = try (0..<100).map { _ in try RawConnection(to: port, from: Guests.web) }
            try await Task.sleep(for: .milliseconds(300))
            let count = refused.withLock { $0 }
            let flown = Int((ContinuousClock.now - start) / .milliseconds(100)) + 1
            #expect(count >= Self.most - 2 && count <= Self.most + flown, "\(count) were refused")
            withExtendedLifetime(connections) {}
        }
    }

    @Test func `ports without a limit, and sockets that belong to no port, accept all at once`() async throws {
        try await LiveServer.run { server in
            let port = try await server.open(Self.scope(nil))
            let connections = try (0..<200).map { try RawConnection(to: $0 % 2 == 0 ? port : server.port, from: Guests.web) }
            try await server.waitUntilOpen(200)
            withExtendedLifetime(connections) {}
        }
    }
}
