import Common
import TestSupport
import Testing

@testable import Guests

/// Connections once the listener is asked to stop.
struct ShutdownTests {
    @Test func `idle connections end, and no new one begins`() async throws {
        try await LiveServer.run { server in
            let (idle, fresh) = (try server.connection(), try server.connection())
            try await idle.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await idle.reply().status == 200)
            await server.stop()
            #expect(try await idle.receive().isEmpty)
            #expect(try await fresh.receive().isEmpty)
            #expect(throws: RawConnection.Failure.self) { _ = try server.connection() }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a listener whose task is cancelled ends, and its connections with it`() async throws {
        let (idle, port) = try await LiveServer.run(endsByCancelling: true) { server in
            let idle = try server.connection()
            try await idle.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await idle.reply().status == 200)
            return (idle, server.port)
        }
        #expect(try await idle.receive().isEmpty)
        #expect(throws: RawConnection.Failure.self) { _ = try RawConnection(to: port, from: Guests.web) }
    }

    @Test func `held requests get 503 as long as not all domains are known`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await server.waitUntilHeld(1)
            await server.stop()
            let reply = try await connection.reply()
            #expect(reply.status == 503)
            #expect(reply.field("Connection") == "close")
            #expect(await connection.isEnded())
        }
    }

    @Test func `a half-sent request may be finished`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            try await connection.send("GET / HTTP/1.1\r\nHost:")
            try await connection.waitUntilRead()
            await server.stop()
            try await server.waitUntilClosed()
            try await connection.send("\r\n\r\n")
            let reply = try await connection.reply()
            #expect(reply.status == 200)
            #expect(reply.field("Connection") == "close")
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: ["", "Connection: close\r\n"])
    func `a reply that is being read is read to its end`(field: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\(field)\r\n")
            try await connection.waitUntilRead()
            await server.stop()
            try await server.waitUntilClosed()
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(await connection.isEnded())
        }
    }

    @Test func `a guest that confirms nothing is not waited for once the kernel has its reply`() async throws {
        let userData = [UInt8](repeating: UInt8(ascii: "x"), count: 20_000)
        let instances = [
            Guests.instance(1, "web", mac: "52:54:00:00:00:02", userData),
            Guests.instance(2, "big", mac: "52:54:00:00:00:03", Guests.bigUserData),
        ]
        try await LiveServer.run(snapshot: Guests.snapshot(of: instances, isComplete: true)) { server in
            // The server waits for this one, which has not left it whole: so the other does not end with the server.
            let unsent = try server.connection(of: Guests.big, window: 4096)
            try await unsent.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await unsent.waitUntilRead()
            let unconfirmed = try server.connection(window: 4096)
            try await unconfirmed.send("GET /latest/user-data HTTP/1.1\r\nConnection: close\r\n\r\n")
            try await unconfirmed.waitUntilRead()
            #expect(server.connections == 2, "a connection counts until the guest has confirmed everything")
            await server.stop()
            try await server.waitUntilOpen(1)
            #expect(try await unconfirmed.reply().body == userData)
            #expect(await unconfirmed.isEnded())
        }
    }

    @Test func `a guest that reads nothing does not delay the stop`() async throws {
        let started = ContinuousClock.now
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await connection.waitUntilRead()
            await server.stop()
        }
        #expect(started.duration(to: .now) < .seconds(9), "four seconds, and what a busy machine adds")
    }
}
