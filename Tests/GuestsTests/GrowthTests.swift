import Common
import TestSupport
import Testing

@testable import Guests

/// What one guest can make the server keep in memory, and how a guest that tries is stopped.
struct GrowthTests {
    private static let ask = "GET /latest/user-data HTTP/1.1\r\n\r\n"

    /// Collects the limits that guests met.
    private final class MetLimits: Sendable {
        private let met = Locked<[ConnectionLimits.Exceeded]>([])
        var all: [ConnectionLimits.Exceeded] { met.withLock { $0 } }
        func note(_ exceeded: ConnectionLimits.Exceeded) { met.withLock { $0.append(exceeded) } }
    }

    // MARK: Waiting requests

    @Test func `beyond the waiting limit the request under way is answered, and the connection ends`() async throws {
        let metLimits = MetLimits()
        try await LiveServer.run(onLimit: { metLimits.note($1) }) { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            // All in one packet: later packets would stay in the kernel while the first reply is unread.
            try await connection.send(Self.ask + String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 40))
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.receive().isEmpty, "ended in good order, so that the reply could be read")
            #expect(metLimits.all == [.waitingRequests])
        }
    }

    @Test func `any number of requests at once is answered to a guest that reads`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            let requests = Task {
                try await connection.send(String(repeating: "GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n", count: 500))
            }
            for _ in 0..<500 { #expect(try await connection.reply().text == "web") }
            try await requests.value
        }
    }

    @Test func `requests that wait for their domain wait in the same bounds`() async throws {
        let metLimits = MetLimits()
        try await LiveServer.run(snapshot: Guests.firstSnapshot, onLimit: { metLimits.note($1) }) { server in
            let connection = try server.connection(of: Guests.big)
            try await connection.send(String(repeating: "GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n", count: 40))
            try await Self.wait { metLimits.all == [.waitingRequests] }
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "big")
            #expect(try await connection.receive().isEmpty)
        }
    }

    @Test func `a head of many small fields gets 431`() async throws {
        try await LiveServer.run { server in
            let fields = (1...64).map { "a\($0): b\r\n" }
            let most = try await server.get("/", fields: fields.joined())
            let more = try await server.get("/", fields: fields.joined() + "a: b\r\n")
            #expect((most.status, more.status) == (200, 431))
        }
    }

    // MARK: Memory

    @Test func `replies that one guest does not read are bounded together, and another guest is served meanwhile`() async throws {
        let metLimits = MetLimits()
        try await LiveServer.run(
            limits: { $0.rates.bytesPerSecond = 1 << 40 }, onLimit: { metLimits.note($1) }
        ) { server in
            var open: [RawConnection] = []
            for _ in 0..<20 {
                let connection = try server.connection(of: Guests.big, window: 4096)
                try await connection.send(Self.ask)
                open.append(connection)
            }
            // Replies of 4 MiB each; one guest may have an eighth of what is left.
            try await Self.wait { metLimits.all.count == 19 }
            #expect(Set(metLimits.all) == [.memory])
            #expect(try await server.get("/latest/user-data").text == Guests.userData)
            // Whichever was accepted first.
            var whole = 0
            for connection in open where (try? await connection.reply().body) == Guests.bigUserData { whole += 1 }
            #expect(whole == 1)
            // Memory is free again once the server has seen that the kernel accepted the last of a reply.
            let isFree = try await eventually {
                let next = try server.connection(of: Guests.big)
                try await next.send(Self.ask)
                return (try? await next.reply().body) == Guests.bigUserData
            }
            #expect(isFree)
        }
    }

    @Test func `incomplete heads are bounded together, and a guest at the bound gets 503`() async throws {
        let metLimits = MetLimits()
        try await LiveServer.run(
            limits: { ($0.requestHeadBytes, $0.connectionsPerClient) = (8 << 20, 1000) }, onLimit: { metLimits.note($1) }
        ) { server in
            let start = "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 2 << 20)
            var (open, statuses): ([RawConnection], [Int]) = ([], [])
            for _ in 0..<8 {
                let connection = try server.connection()
                try await connection.send(start)
                open.append(connection)
            }
            try await Self.wait { !metLimits.all.isEmpty }
            #expect(Set(metLimits.all) == [.memory])
            let other = try server.connection(of: Guests.big)
            try await other.send("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 1 << 20) + "\r\n\r\n")
            #expect(try await other.reply().status == 200)
            // One that was refused may have been closed meanwhile; its reply is there all the same.
            for connection in open { try? await connection.send("\r\n\r\n") }
            for connection in open { statuses.append(try await connection.reply().status) }
            #expect(statuses.contains(503) && Set(statuses).isSubset(of: [200, 503]))
            #expect(try await server.get("/").status == 200)
        }
    }

    // MARK: Slow readers

    @Test func `a guest that reads next to nothing of its reply is closed, though it reads`() async throws {
        let metLimits = MetLimits()
        try await LiveServer.run(limits: { $0.readingPeriod = .seconds(1) }, onLimit: { metLimits.note($1) }) { server in
            let slow = try server.connection(of: Guests.big, window: 4096)
            let other = try server.connection(of: Guests.huge, window: 64 << 10)
            for connection in [slow, other] { try await connection.send(Self.ask) }
            let started = ContinuousClock.now
            while metLimits.all.isEmpty, started.duration(to: .now) < .seconds(8) {
                _ = try? await slow.receive(atMost: 1)
                _ = try await other.receive(atMost: 64 << 10)
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(metLimits.all == [.slowReading])
            #expect(started.duration(to: .now) > .seconds(1))
            #expect(try await !other.receive().isEmpty, "who reads more may go on")
        }
    }

    // MARK: Time

    @Test func `a guest whose requests take too long to answer gets 429, and another is served`() async throws {
        try await LiveServer.run(limits: { $0.rates.cpuPerSecond = .microseconds(10) }) { server in
            let connection = try server.connection()
            var statuses: [Int] = []
            for _ in 0..<8 {
                try await connection.send("GET /latest/meta-data/ HTTP/1.1\r\n\r\n")
                statuses.append(try await connection.reply().status)
            }
            #expect(statuses.first == 200)
            #expect(statuses.count { $0 == 429 } > 5)
            let other = try server.connection(of: Guests.big)
            try await other.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await other.reply().status == 200)
        }
    }

    @Test func `a guest far beyond its rates gets 429 at most twice a second on each connection`()
        async throws
    {
        try await LiveServer.run(limits: { $0.rates.requestsPerSecond = 1 }) { server in
            let connection = try server.connection()
            let started = ContinuousClock.now
            var refusals = 0
            while refusals < 4 {
                try await connection.send("GET / HTTP/1.1\r\n\r\n")
                if try await connection.reply().status == 429 { refusals += 1 }
            }
            #expect(started.duration(to: .now) > .milliseconds(900))
        }
    }

    @Test func `parsing a long head is charged`() async throws {
        try await LiveServer.run(
            limits: { $0.rates = .init(requestsPerSecond: 1_000_000, bytesPerSecond: 1 << 40, cpuPerSecond: .milliseconds(10)) }
        ) { server in
            let connection = try server.connection()
            let head = "GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 15_000))\r\n\r\n"
            var isLimited = false
            // Without the charge, as many answers take less time than the guest has.
            for _ in 0..<400 where !isLimited {
                let started = ContinuousClock.now
                try await connection.send(head)
                let status = try await connection.reply().status
                // A guest that owes time is not read from for a while, or gets 429.
                isLimited = status == 429 || started.duration(to: .now) > .milliseconds(300)
            }
            #expect(isLimited, "400 long heads cost nothing")
        }
    }

    @Test func `HEAD is charged for the bytes of the GET`() async throws {
        try await LiveServer.run(limits: { $0.rates.bytesPerSecond = 1 << 20 }) { server in
            let connection = try server.connection(of: Guests.big)
            for status in [200, 429] {
                try await connection.send("HEAD /latest/user-data HTTP/1.1\r\n\r\n")
                #expect(try await connection.reply(toHead: true).status == status)
            }
        }
    }

    /// Waits until a condition holds, ten seconds at most.
    private static func wait(until isSo: () -> Bool) async throws {
        #expect(try await eventually { isSo() })
    }
}
