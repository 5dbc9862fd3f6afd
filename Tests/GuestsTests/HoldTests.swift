import Common
import Foundation
import TestSupport
import Testing

@testable import Guests

/// Requests that arrive before the first inventory is complete.
struct HoldTests {
    private static let request = "GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n"

    @Test func `a request is answered as soon as its instance is known`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let (web, big) = (try server.connection(), try server.connection(of: Guests.big))
            try await web.send(Self.request)
            try await big.send(Self.request)
            try await server.waitUntilHeld(2)
            server.board.publish(Guests.firstSnapshot)
            #expect(try await web.reply().text == "web")

            server.board.publish(Guests.snapshot)
            #expect(try await big.reply().text == "big")
        }
    }

    @Test func `a held request gets 404 once all instances are known and none matches`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection(of: Guests.unmatched)
            try await connection.send(Self.request)
            try await server.waitUntilHeld(1)
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().status == 404)
        }
    }

    @Test func `a request is held no longer than its timeout, and the connection goes on`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection()
            let started = ContinuousClock.now
            try await connection.send(Self.request)
            // It may be one of the domains that have not been read yet.
            let reply = try await connection.reply()
            #expect(reply.status == 503 && reply.field("Retry-After") == "5")
            #expect(started.duration(to: .now) >= .milliseconds(150), "it was held")
            server.board.publish(Guests.snapshot)
            try await connection.send(Self.request)
            #expect(try await connection.reply().text == "web")
        }
    }

    @Test func `the root and refusals wait for nothing`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            #expect(try await server.get("/").status == 200)
            #expect(try await server.get("/latest/%00").status == 404)
            #expect(try await server.get("/latest/", as: Guests.proxy, fields: "X-Forwarded-For: nobody\r\n").status == 400)
            let connection = try server.connection()
            try await connection.send("PUT /latest/api/token HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply().status == 400)
        }
    }

    @Test func `requests after a held one are answered after it, in order`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request + "HEAD / HTTP/1.1\r\n\r\n")
            try await server.waitUntilHeld(1)
            try await connection.send("GET /latest/meta-data/instance-id HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "web")
            #expect(try await connection.reply(toHead: true).status == 200)
            #expect(try await connection.reply().text == "i-1")
            #expect(try await connection.reply().status == 400)
            #expect(await connection.isEnded())
        }
    }

    @Test func `invalid bytes in the same packet do not cost a held request its answer`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request + "nonsense\r\n\r\n")
            try await server.waitUntilHeld(1)
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "web")
            #expect(try await connection.reply().status == 400)
        }
    }

    @Test func `a guest that half-closes is still answered`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request)
            connection.endSending()
            try await server.waitUntilHeld(1)
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "web")
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: [1, 2])
    func `beyond the held requests limit, 503 is sent at once, until one is answered`(threads: Int) async throws {
        try await LiveServer.run(
            snapshot: Snapshot(), threads: threads, limits: { ($0.holdTimeout, $0.heldRequests) = (.seconds(30), 2) }
        ) { server in
            var held = try (0..<2).map { _ in try server.connection() }
            for connection in held { try await connection.send(Self.request) }
            try await server.waitUntilHeld(2)
            for _ in 0..<3 { #expect(try await server.get("/latest/meta-data/hostname").status == 503) }

            // A closed connection frees capacity for another.
            held.removeFirst().abort()
            try await server.waitUntilHeld(1)
            let next = try server.connection()
            try await next.send(Self.request)
            try await server.waitUntilHeld(2)
            server.board.publish(Guests.snapshot)
            #expect(try await next.reply().text == "web")
            #expect(try await held[0].reply().text == "web")

            // And so does each answered one.
            server.board.publish(Snapshot())
            for connection in [next, held[0]] { try await connection.send(Self.request) }
            try await server.waitUntilHeld(2)
            server.board.publish(Guests.snapshot)
            for connection in [next, held[0]] { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `the held requests of one guest are limited, and another guest's are still held`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { ($0.holdTimeout, $0.heldPerClient) = (.seconds(30), 2) }) {
            server in
            let waiting = try (0..<2).map { _ in try server.connection() }
            for connection in waiting { try await connection.send(Self.request) }
            try await server.waitUntilHeld(2)
            #expect(try await server.get("/latest/meta-data/hostname").status == 503)
            let other = try server.connection(of: Guests.big)
            try await other.send(Self.request)
            try await server.waitUntilHeld(3)
            server.board.publish(Guests.snapshot)
            for connection in waiting { #expect(try await connection.reply().text == "web") }
            #expect(try await other.reply().text == "big")
            // Answered requests are no longer counted.
            server.board.publish(Snapshot())
            let again = try (0..<2).map { _ in try server.connection() }
            for connection in again { try await connection.send(Self.request) }
            try await server.waitUntilHeld(2)
            server.board.publish(Guests.snapshot)
            for connection in again { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `two hundred waiting requests cost no thread`() async throws {
        try await LiveServer.run(
            snapshot: Snapshot(),
            limits: { ($0.holdTimeout, $0.connectionsPerClient, $0.heldPerClient) = (.seconds(30), 1000, 1000) }
        ) { server in
            _ = try await server.get("/")
            let before = try Self.threads()
            let connections = try (0..<200).map { _ in try server.connection() }
            for connection in connections { try await connection.send(Self.request) }
            try await server.waitUntilHeld(200)
            #expect(try Self.threads() < before + 50)
            server.board.publish(Guests.snapshot)
            for connection in connections { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `an unmatched client is reported once all domains are known, with the step that failed`() async throws {
        let logged = Locked<[String: String]>([:])
        let complete = Guests.snapshot
        try await LiveServer.run(
            snapshot: Snapshot(), limits: { $0.holdTimeout = .milliseconds(100) },
            onUnmatched: { client, reason in logged.withLock { $0["\(client.address)"] = "\(reason)" } }
        ) { server in
            let reply = try await server.get("/latest/", as: Guests.unmatched)
            #expect(reply.status == 503)
            #expect(logged.withLock { $0 }.isEmpty)
            server.board.publish(complete)
            for guest in [Guests.unresolved, Guests.unmatched, Guests.twins] {
                #expect(try await server.get("/latest/", as: guest).status == 404)
            }
        }
        #expect(logged.withLock { $0 }[Guests.unresolved] == "no MAC address is known for the client")
        #expect(logged.withLock { $0 }[Guests.unmatched] == "no running domain has an interface 52:54:00:00:00:05")
        #expect(logged.withLock { $0 }[Guests.twins] == "several running domains have an interface 52:54:00:00:00:06: one, two")
    }

    private static func threads() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
}
