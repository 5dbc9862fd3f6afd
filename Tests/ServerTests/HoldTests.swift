import Common
import Foundation
import Testing

@testable import Server

/// Requests that come before the first inventory is complete.
struct HoldTests {
    private static let request = "GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n"

    @Test func `a request is answered as soon as its instance is known`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let (web, big) = (try server.connection(), try server.connection(of: Guests.big))
            try await web.send(Self.request)
            try await big.send(Self.request)
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.firstSnapshot)
            #expect(try await web.reply().text == "web")

            server.board.publish(Guests.snapshot)
            #expect(try await big.reply().text == "big")
        }
    }

    @Test func `a request that waits gets 404 once all instances are known and it is none's`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection(of: Guests.stranger)
            try await connection.send(Self.request)
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().status == 404)
        }
    }

    @Test func `a request waits no longer than it may, and the connection goes on`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection()
            let started = ContinuousClock.now
            try await connection.send(Self.request)
            #expect(try await connection.reply().status == 404)
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

    @Test func `requests behind a held one are answered after it, in order`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request + "HEAD / HTTP/1.1\r\n\r\n")
            try await Task.sleep(for: .milliseconds(200))
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

    @Test func `nonsense in the same breath does not cost a held request its answer`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request + "nonsense\r\n\r\n")
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "web")
            #expect(try await connection.reply().status == 400)
        }
    }

    @Test func `a guest that half-closes is answered all the same`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }) { server in
            let connection = try server.connection()
            try await connection.send(Self.request)
            connection.endSending()
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().text == "web")
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: [1, 2])
    func `beyond the number that may wait, 404 is said at once, until one waits no longer`(loops: Int) async throws {
        try await LiveServer.run(
            snapshot: Snapshot(), loops: loops, limits: { ($0.holdTimeout, $0.heldRequests) = (.seconds(30), 2) }
        ) { server in
            var held = try (0..<2).map { _ in try server.connection() }
            for connection in held { try await connection.send(Self.request) }
            try await Task.sleep(for: .milliseconds(200))
            for _ in 0..<3 { #expect(try await server.get("/latest/meta-data/hostname").status == 404) }

            // One that goes away makes room for another.
            held.removeFirst().abort()
            try await Task.sleep(for: .milliseconds(300))
            let next = try server.connection()
            try await next.send(Self.request)
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            #expect(try await next.reply().text == "web")
            #expect(try await held[0].reply().text == "web")

            // And so does each that has its answer.
            server.board.publish(Snapshot())
            for connection in [next, held[0]] { try await connection.send(Self.request) }
            try await Task.sleep(for: .milliseconds(200))
            server.board.publish(Guests.snapshot)
            for connection in [next, held[0]] { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `no request waits where none may`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { ($0.holdTimeout, $0.heldRequests) = (.seconds(30), 0) }) {
            server in
            let reply = try await server.get("/latest/meta-data/hostname")
            #expect(reply.status == 404)
        }
    }

    @Test func `of one guest no more requests wait than may, and another's still do`() async throws {
        try await LiveServer.run(snapshot: Snapshot(), limits: { ($0.holdTimeout, $0.heldPerCaller) = (.seconds(30), 2) }) {
            server in
            let waiting = try (0..<2).map { _ in try server.connection() }
            for connection in waiting { try await connection.send(Self.request) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await server.get("/latest/meta-data/hostname").status == 404)
            let other = try server.connection(of: Guests.big)
            try await other.send(Self.request)
            try await Task.sleep(for: .milliseconds(300))
            server.board.publish(Guests.snapshot)
            for connection in waiting { #expect(try await connection.reply().text == "web") }
            #expect(try await other.reply().text == "big")
            // Those that waited are counted no longer.
            server.board.publish(Snapshot())
            let again = try (0..<2).map { _ in try server.connection() }
            for connection in again { try await connection.send(Self.request) }
            try await Task.sleep(for: .milliseconds(300))
            server.board.publish(Guests.snapshot)
            for connection in again { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `two hundred waiting requests cost no thread`() async throws {
        try await LiveServer.run(
            snapshot: Snapshot(),
            limits: { ($0.holdTimeout, $0.connectionsPerCaller, $0.heldPerCaller) = (.seconds(30), 1000, 1000) }
        ) { server in
            _ = try await server.get("/")
            let before = try Self.threads()
            let connections = try (0..<200).map { _ in try server.connection() }
            for connection in connections { try await connection.send(Self.request) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try Self.threads() < before + 50)
            server.board.publish(Guests.snapshot)
            for connection in connections { #expect(try await connection.reply().text == "web") }
        }
    }

    @Test func `who is not known is told of once all are known, with the step that failed`() async throws {
        let told = Locked<[String: String]>([:])
        let complete = Guests.snapshot
        try await LiveServer.run(
            snapshot: Snapshot(), limits: { $0.holdTimeout = .milliseconds(100) },
            onUnknown: { caller, reason in told.withLock { $0["\(caller.address)"] = "\(reason)" } }
        ) { server in
            let reply = try await server.get("/latest/", as: Guests.stranger)
            #expect(reply.status == 404)
            #expect(told.withLock { $0 }.isEmpty)
            server.board.publish(complete)
            for guest in [Guests.nobody, Guests.stranger, Guests.twins] {
                #expect(try await server.get("/latest/", as: guest).status == 404)
            }
        }
        #expect(told.withLock { $0 }[Guests.nobody] == "no hardware address is known for it")
        #expect(told.withLock { $0 }[Guests.stranger] == "no running domain has an interface 52:54:00:00:00:05")
        #expect(told.withLock { $0 }[Guests.twins] == "several running domains have an interface 52:54:00:00:00:06: one, two")
    }

    private static func threads() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
    }
}
