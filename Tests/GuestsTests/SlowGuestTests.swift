import Foundation
import TestSupport
import Testing

@testable import Guests

/// Guests that read slowly, send much at once, or do not finish, and their effect on other guests.
struct SlowGuestTests {
    @Test func `requests after a large reply are answered in order, however late it is read`() async throws {
        try await LiveServer.run(limits: { $0.requestTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            let requests = (0..<3).map { _ in
                "GET /latest/user-data HTTP/1.1\r\n\r\nGET /latest/meta-data/hostname HTTP/1.1\r\n\r\n"
            }
            try await connection.send(requests.joined())
            try await Task.sleep(for: .milliseconds(800))
            for _ in 0..<3 {
                #expect(try await connection.reply().body == Guests.bigUserData)
                #expect(try await connection.reply().text == "big")
            }
        }
    }

    @Test func `invalid bytes after a large request do not cost its reply`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            let request = "GET /latest/user-data HTTP/1.1\r\n\r\n"
            try await connection.send(request + request + "nonsense\r\n\r\n")
            try await connection.waitUntilRead()
            _ = connection.sendWithoutWaiting(Array("more nonsense\r\n".utf8))
            for _ in 0..<2 { #expect(try await connection.reply().body == Guests.bigUserData) }
            #expect(try await connection.reply().status == 400)
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])
    func `nothing is sent after the last reply`(more: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\nConnection: close\r\n\r\n\(more)")
            try await connection.waitUntilRead()
            _ = connection.sendWithoutWaiting(Array(more.utf8))
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.receive().isEmpty)
        }
    }

    @Test func `a guest that half-closes gets the whole of a large reply`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await connection.waitUntilRead()
            connection.endSending()
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(await connection.isEnded())
        }
    }

    @Test func `a guest that reads slowly is not idle`() async throws {
        try await LiveServer.run(limits: { $0.idleTimeout = .milliseconds(500) }) { server in
            let connection = try server.connection(of: Guests.huge, window: 64 << 10)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\nConnection: close\r\n\r\n")
            var received = 0
            let started = ContinuousClock.now
            while case let count = try await connection.receive().count, count > 0 {
                received += count
                try await Task.sleep(for: .milliseconds(12))
            }
            #expect(received > Guests.hugeUserData.count)
            #expect(started.duration(to: .now) > .milliseconds(500), "longer than it may be idle")
        }
    }

    @Test func `a guest that never reads is closed in the end`() async throws {
        try await LiveServer.run(limits: { ($0.idleTimeout, $0.connectionsPerClient) = (.milliseconds(300), 1) }) { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await Self.expectFreed(server, Guests.big)
            await #expect(throws: RawConnection.Failure.self) { try await connection.reply() }
        }
    }

    /// Each request is 35 bytes and each reply 4 MiB: a guest that sends without reading would fill the memory a hundred thousand
    /// times faster.
    @Test func `nothing more is read from a guest that does not read`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            let requests = Array(String(repeating: "GET /latest/user-data HTTP/1.1\r\n\r\n", count: 1000).utf8)
            let before = try Self.residentBytes()
            // More than the kernel's own buffers hold.
            var (sent, refused) = (0, 0)
            while sent < 64 << 20, refused < 20 {
                let count = connection.sendWithoutWaiting(requests)
                (sent, refused) = (sent + count, count == 0 ? refused + 1 : 0)
                if count == 0 { try await Task.sleep(for: .milliseconds(10)) }
            }
            let grown = try Self.residentBytes() - before
            #expect(sent < 64 << 20)
            #expect(grown < 24 << 20, "\(grown >> 20) MiB more after \(sent) bytes of requests")
        }
    }

    @Test func `bytes after a refusal are dropped`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send(
                "GET /latest/user-data HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 900000000\r\n\r\n")
            let before = try Self.residentBytes()
            let junk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            for _ in 0..<100 {
                _ = connection.sendWithoutWaiting(junk)
                try await Task.sleep(for: .milliseconds(2))
            }
            let grown = try Self.residentBytes() - before
            #expect(grown < 24 << 20, "\(grown >> 20) MiB more")
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.reply().status == 413)
        }
    }

    @Test func `half-sent, slow and refused requests delay no other guest`() async throws {
        try await LiveServer.run { server in
            let slow = try server.connection(of: Guests.big, window: 4096)
            try await slow.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            let half = try (0..<20).map { _ in try server.connection(of: Guests.unmatched) }
            for connection in half { try await connection.send("GET / HTTP/1.1\r\nHost:") }
            let closed = try server.connection(of: Guests.unresolved)
            try await closed.send("nonsense\r\n\r\n")
            let started = ContinuousClock.now
            for _ in 0..<50 { #expect(try await server.get("/latest/meta-data/hostname").text == "web") }
            #expect(started.duration(to: .now) < .seconds(5))
            for connection in half { try await connection.send("\r\n\r\n") }
            for connection in half { #expect(try await connection.reply().status == 200) }
            #expect(try await slow.reply().body == Guests.bigUserData)
        }
    }

    /// Waits until a guest that may have one connection may have it again.
    private static func expectFreed(_ server: LiveServer, _ guest: String) async throws {
        let isFreed = try await eventually(every: .milliseconds(50)) {
            try await !server.connection(of: guest).isEndedAtOnce()
        }
        #expect(isFreed, "the first connection stays")
    }

    private static func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (fields.dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}

extension RawConnection {
    /// Whether the connection is ended before it answers a request.
    fileprivate func isEndedAtOnce() async throws -> Bool {
        do {
            try await send("HEAD / HTTP/1.1\r\n\r\n")
            return try await reply(toHead: true).status != 200
        } catch {
            return true
        }
    }
}
