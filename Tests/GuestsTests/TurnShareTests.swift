import Common
import Dispatch
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import Guests

/// Whether one guest has a thread to itself: what it sends beyond its share waits for the next turn.
struct TurnShareTests {
    /// How a guest sends more than the thread can answer in one turn.
    enum Flood: String, CaseIterable {
        case connections = "many connections"
        case pipelines = "many connections, each with several requests in one packet"
        case pipeline = "one connection with many requests in one packet"
        case newConnections = "many new connections"
    }

    @Test(arguments: Flood.allCases)
    func `a guest is answered after a few of another's requests, and none is lost`(flood: Flood) async throws {
        let gate = Gate()
        let (connections, requests) =
            switch flood {
            case .connections: (40, 1)
            case .pipelines: (40, 10)
            case .pipeline: (1, 40)
            case .newConnections: (40, 1)
            }
        let limits: @Sendable (inout GuestLimits) -> Void = { $0.rates.cpuPerSecond = .seconds(1000) }
        try await LiveServer.run(views: [GatedView(gate: gate)], limits: limits) { server in
            let quiet = try server.connection()
            let holder = try server.connection(of: Guests.huge)
            var flooders: [RawConnection] = []
            if flood != .newConnections {
                for _ in 0..<connections { flooders.append(try server.connection(of: Guests.big)) }
                try await server.waitUntilOpen(connections + 2)
            } else {
                try await server.waitUntilOpen(2)
            }
            // While the thread waits here, the requests of both arrive, so that one turn has them all.
            try await holder.send("GET /gate HTTP/1.1\r\n\r\n")
            try #require(try await eventually(every: .milliseconds(2)) { gate.isReached })
            if flood == .newConnections {
                for _ in 0..<connections { flooders.append(try server.connection(of: Guests.big)) }
            }
            let request = "GET /slow HTTP/1.1\r\n\r\n"
            for flooder in flooders { try await flooder.send(String(repeating: request, count: requests)) }
            try await quiet.send("GET /quick HTTP/1.1\r\n\r\n")
            gate.open()

            #expect(try await quiet.reply().status == 200)
            for flooder in flooders {
                for _ in 0..<requests { #expect(try await flooder.reply().status == 200) }
            }
            let answered = gate.answered
            #expect(answered.count == connections * requests + 2)
            let before = try #require(answered.firstIndex(of: "web"))
            #expect(before <= 4, "\(before) requests were answered before: \(answered.prefix(before))")
        }
    }

    @Test func `requests that wait for their turn are answered when the server stops`() async throws {
        let gate = Gate()
        let limits: @Sendable (inout GuestLimits) -> Void = { $0.rates.cpuPerSecond = .seconds(1000) }
        try await LiveServer.run(views: [GatedView(gate: gate)], limits: limits) { server in
            let connection = try server.connection()
            try await connection.send(["/slow", "/gate", "/slow"].map { "GET \($0) HTTP/1.1\r\n\r\n" }.joined())
            try #require(try await eventually(every: .milliseconds(2)) { gate.isReached })
            await server.stop()
            // The thread is told meanwhile, and sees it once the gate is open: nothing shows before that it has been told.
            try await Task.sleep(for: .milliseconds(100))
            gate.open()
            for _ in 0..<3 { #expect(try await connection.reply().status == 200) }
        }
    }

    /// A request to `/slow` takes more than the guest's share, so that what follows it waits.
    @Test(arguments: [("\r\n", false), ("GET /slow HTTP/1.1\r\n\r\n", true), ("GET /slow", false)])
    func `what waits for its turn begins a request only if it is part of one`(rest: String, isRequest: Bool) async throws {
        let limits: @Sendable (inout GuestLimits) -> Void = {
            $0.rates.cpuPerSecond = .seconds(1000)
            ($0.requestTimeout, $0.idleTimeout) = (.milliseconds(300), .milliseconds(900))
        }
        try await LiveServer.run(views: [GatedView(gate: Gate())], limits: limits) { server in
            let connection = try server.connection()
            try await connection.send("GET /slow HTTP/1.1\r\n\r\n" + rest)
            #expect(try await connection.reply().status == 200)
            if isRequest { #expect(try await connection.reply().status == 200) }
            if rest == "GET /slow" { #expect(try await connection.reply().status == 408) }
            #expect(try await connection.receive().isEmpty, "closed without another reply")
        }
    }

    @Test func `a connection with line ends that wait for their turn ends when the server stops`() async throws {
        let gate = Gate()
        let limits: @Sendable (inout GuestLimits) -> Void = { $0.rates.cpuPerSecond = .seconds(1000) }
        try await LiveServer.run(views: [GatedView(gate: gate)], limits: limits) { server in
            let connection = try server.connection()
            try await connection.send("GET /gate HTTP/1.1\r\n\r\n\r\n")
            try #require(try await eventually(every: .milliseconds(2)) { gate.isReached })
            await server.stop()
            // As above: nothing shows that the thread has been told.
            try await Task.sleep(for: .milliseconds(100))
            gate.open()
            #expect(try await connection.reply().status == 200)
            let start = ContinuousClock.now
            #expect(try await connection.receive().isEmpty)
            #expect(start.duration(to: .now) < .seconds(3), "not by the end of all connections")
        }
    }

    @Test func `a share is spent after a slice, and is new with each turn`() {
        let (one, other) = (RateLimit(GuestLimits().rates), RateLimit(GuestLimits().rates))
        var shares = TurnShares()
        shares.add(.microseconds(600), of: one)
        shares.add(.microseconds(300), of: other)
        #expect(!shares.isSpent(by: one))
        shares.add(.microseconds(400), of: one)
        #expect(shares.isSpent(by: one))
        #expect(!shares.isSpent(by: other))
        shares.begin()
        #expect(!shares.isSpent(by: one))
    }

    @Test func `a peer that stands for many has no share`() {
        var shares = TurnShares()
        shares.add(.seconds(1), of: nil)
        #expect(!shares.isSpent(by: nil))
    }
}

/// Where the thread that answers waits, and the names of the domains in the order of their requests.
private final class Gate: Sendable {
    private let state = Locked((isReached: false, answered: [String]()))
    private let semaphore = DispatchSemaphore(value: 0)

    var isReached: Bool { state.withLock { $0.isReached } }
    var answered: [String] { state.withLock { $0.answered } }

    func open() { semaphore.signal() }

    func answer(_ name: String) { state.withLock { $0.answered.append(name) } }

    func wait() {
        state.withLock { $0.isReached = true }
        semaphore.wait()
    }
}

/// A tree whose every path takes as long as the test wants: real trees are too fast for one guest's share to end within a test's
/// few requests.
private struct GatedView: MetadataView {
    let name = "gated"
    let root = TreePath([])
    let gate: Gate

    func publicNode(at path: TreePath) -> Node? { nil }

    func node(at path: TreePath, for question: Question) -> Node? {
        gate.answer(question.instance.names.name)
        switch path.names {
        case ["gate"]: gate.wait()
        case ["slow"]: usleep(2_000)
        default: break
        }
        return .text("x")
    }
}
