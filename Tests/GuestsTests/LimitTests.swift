import Common
import TestSupport
import Testing

@testable import Guests

/// The limits of one guest at the listener, set low.
struct LimitTests {
    // MARK: The size of a request

    @Test(arguments: [
        "GET / HTTP/1.1\r\nX: \(filler(600))\r\n\r\n", "GET /\(filler(600)) HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" + (0..<60).map { "X-\($0): abcdef\r\n" }.joined() + "\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: \(filler(600))\r\n\r\n",
    ])
    func `a head beyond the limit gets 431, and the connection ends`(request: String) async throws {
        try await LiveServer.run(limits: { $0.requestHeadBytes = 512 }) { server in
            let connection = try server.connection()
            try await connection.send(request)
            let reply = try await connection.reply()
            #expect(reply.status == 431)
            #expect(reply.field("Connection") == "close")
            #expect(await connection.isEnded())
        }
    }

    @Test func `a head just below the limit is served`() async throws {
        try await LiveServer.run { server in
            let below = try await server.get("/", fields: "X: \(Self.filler(16_000))\r\n")
            #expect(below.status == 200)
            let beyond = try await server.get("/", fields: "X: \(Self.filler(17_000))\r\n")
            #expect(beyond.status == 431)
        }
    }

    @Test func `a body up to the limit is read and dropped`() async throws {
        try await LiveServer.run(limits: { $0.requestBodyBytes = 1000 }) { server in
            let connection = try server.connection()
            try await connection.send("POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n\(Self.filler(1000))")
            #expect(try await connection.reply().status == 405)
            try await connection.send(
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n\(Self.filler(1000))\r\n0\r\n\r\n")
            #expect(try await connection.reply().status == 405)
        }
    }

    @Test func `chunks beyond the limit get 413`() async throws {
        try await LiveServer.run(limits: { $0.requestBodyBytes = 1000 }) { server in
            let connection = try server.connection()
            try await connection.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<2 { try await connection.send("1f5\r\n\(Self.filler(501))\r\n") }
            #expect(try await connection.reply().status == 413)
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n", "GET / HTTP/1.1\r\nX: ", "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7a1200\r\n",
    ])
    func `a guest that goes on sending can read its refusal`(start: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            try await connection.send(start)
            try await connection.send([UInt8](repeating: UInt8(ascii: "x"), count: 8_000_000))
            #expect([400, 413, 431].contains(try await connection.reply().status))
            #expect(try await connection.receive().isEmpty, "ended in good order, not reset")
        }
    }

    // MARK: The time of a request

    @Test(
        arguments: ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost:", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"],
        ["", "GET / HTTP/1.1\r\n\r\n"])
    func `a request that is incomplete in time gets 408`(start: String, before: String) async throws {
        try await LiveServer.run(limits: { $0.requestTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection()
            try await connection.send(before + start)
            if !before.isEmpty { #expect(try await connection.reply().status == 200) }
            let reply = try await connection.reply()
            #expect(reply.status == 408)
            #expect(reply.field("Connection") == "close")
            connection.endSending()
            #expect(await connection.isEnded())
        }
    }

    @Test func `a request that is incomplete in time behind a held one gets 408 too`() async throws {
        let limits = { (limits: inout GuestLimits) in
            (limits.requestTimeout, limits.holdTimeout) = (.milliseconds(300), .milliseconds(300))
        }
        try await LiveServer.run(snapshot: Snapshot(), limits: limits) { server in
            let connection = try server.connection()
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\nGET /lat")
            #expect(try await connection.reply().status == 503)
            #expect(try await connection.reply().status == 408)
        }
    }

    @Test(arguments: [false, true]) func `line ends behind a request begin no other`(areAlone: Bool) async throws {
        let limits = { (limits: inout GuestLimits) in
            (limits.requestTimeout, limits.idleTimeout) = (.milliseconds(300), .milliseconds(900))
        }
        try await LiveServer.run(limits: limits) { server in
            let connection = try server.connection()
            try await connection.send("GET / HTTP/1.1\r\n\r\n" + (areAlone ? "" : "\r\n"))
            #expect(try await connection.reply().status == 200)
            if areAlone { try await connection.send("\r\n") }
            #expect(try await connection.receive().isEmpty, "closed without a reply")
        }
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\n\r\n"])
    func `a connection without a request is closed without a reply`(before: String) async throws {
        try await LiveServer.run(limits: { $0.idleTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection()
            try await connection.send(before)
            if !before.isEmpty { #expect(try await connection.reply().status == 200) }
            #expect(try await connection.receive().isEmpty)
        }
    }

    // MARK: The client of a limit

    @Test func `a guest that uses IPv4 on an IPv6 socket is the same guest`() async throws {
        try await LiveServer.run(on: "::", limits: { $0.connectionsPerClient = 1 }) { server in
            let connection = try server.connection()
            try await connection.send("GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply().text == "web")
            await Self.expectRefused(try server.connection())
            try await Self.expectServed(server.connection(of: Guests.proxy))
            try await Self.expectServed(server.connection(of: Guests.proxy))
        }
    }

    @Test(arguments: [1, 2])
    func `a connection beyond the client's limit is closed`(threads: Int) async throws {
        try await LiveServer.run(threads: threads, limits: { $0.connectionsPerClient = 2 }) { server in
            let both = try [server.connection(), server.connection()]
            for connection in both { try await Self.expectServed(connection) }
            for _ in 0..<3 { await Self.expectRefused(try server.connection()) }
            for connection in both { try await Self.expectServed(connection) }
            try await Self.expectServed(server.connection(of: Guests.big))

            both[0].endSending()
            #expect(await both[0].isEnded())
            let next = try await Self.admitted(server)
            await Self.expectRefused(try server.connection())
            try await Self.expectServed(next)
        }
    }

    @Test func `a trusted proxy may have more connections than one client`() async throws {
        try await LiveServer.run(limits: { $0.connectionsPerClient = 1 }) { server in
            let connections = try (0..<4).map { _ in try server.connection(of: Guests.proxy) }
            for connection in connections { try await Self.expectServed(connection) }
        }
    }

    @Test(arguments: [1, 2])
    func `a connection beyond the limit of all clients is closed`(threads: Int) async throws {
        try await LiveServer.run(threads: threads, limits: { $0.connections = 3 }) { server in
            let all = try [server.connection(), server.connection(of: Guests.big), server.connection(of: Guests.proxy)]
            for connection in all { try await Self.expectServed(connection) }
            await Self.expectRefused(try server.connection(of: Guests.unresolved))
            for connection in all { try await Self.expectServed(connection) }
            all[1].endSending()
            #expect(await all[1].isEnded())
            try await Self.expectServed(try await Self.admitted(server))
        }
    }

    // MARK: Rates

    @Test func `a guest beyond its rates gets 429 with Retry-After on all its connections, and no other guest does`()
        async throws
    {
        let metLimits = Locked<[ConnectionLimits.Key?]>([])
        try await LiveServer.run(
            limits: { $0.rates.requestsPerSecond = 5 },
            onLimit: { client, exceeded in
                #expect(exceeded == .requests)
                metLimits.withLock { $0.append(client) }
            }
        ) { server in
            let connection = try server.connection()
            for _ in 0..<10 { try await Self.expectServed(connection) }
            for connection in [connection, try server.connection()] {
                let reply = try await Self.replyBeyondRate(connection)
                #expect(reply.status == 429)
                #expect(reply.text == "429 Too Many Requests")
                #expect(reply.field("Retry-After") == "1")
                #expect(reply.field("Connection") == nil, "the connection goes on")
            }
            for guest in [Guests.big, Guests.proxy] { try await Self.expectServed(server.connection(of: guest)) }
            #expect(Set(metLimits.withLock { $0 }) == [MACAddress("52:54:00:00:00:02").map(ConnectionLimits.Key.mac)])
            try await Task.sleep(for: .milliseconds(1100))
            for _ in 0..<5 { try await Self.expectServed(connection) }
        }
    }

    @Test func `a trusted proxy has no rate limit`() async throws {
        try await LiveServer.run(limits: { ($0.rates.requestsPerSecond, $0.rates.bytesPerSecond) = (1, 1024) }) { server in
            let proxy = try server.connection(of: Guests.proxy)
            for _ in 0..<30 { try await Self.expectServed(proxy) }
        }
    }

    @Test func `a guest that has read many bytes waits before its next reply`() async throws {
        try await LiveServer.run(limits: { $0.rates.bytesPerSecond = 1 << 20 }) { server in
            let connection = try server.connection(of: Guests.big)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply().body == Guests.bigUserData)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            let reply = try await connection.reply()
            #expect(reply.status == 429)
            #expect(["1", "2"].contains(reply.field("Retry-After")))
            try await Self.expectServed(server.connection())
            try await Task.sleep(for: .milliseconds(2100))
            try await connection.send("HEAD /latest/user-data HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply(toHead: true).status == 200)
        }
    }

    /// The first reply that is not 200, of thirty: the bucket fills during the requests, on a busy machine by more than a few.
    private static func replyBeyondRate(_ connection: RawConnection) async throws -> RawReply {
        for _ in 0..<30 {
            try await connection.send("GET / HTTP/1.1\r\n\r\n")
            let reply = try await connection.reply()
            if reply.status != 200 { return reply }
        }
        throw Missing()
    }

    private struct Missing: Error {}

    private static func expectServed(_ connection: RawConnection) async throws {
        try await connection.send("HEAD / HTTP/1.1\r\n\r\n")
        #expect(try await connection.reply(toHead: true).status == 200)
    }

    private static func expectRefused(_ connection: RawConnection) async {
        #expect(await connection.isEnded())
    }

    /// A connection that is served: the slot of a closed one may be freed a moment later.
    private static func admitted(_ server: LiveServer) async throws -> RawConnection {
        var admitted: RawConnection?
        _ = try await eventually {
            let connection = try server.connection()
            admitted = (try? await expectServed(connection)).map { connection }
            return admitted != nil
        }
        return try #require(admitted)
    }

    private static func filler(_ count: Int) -> String { String(repeating: "x", count: count) }
}
