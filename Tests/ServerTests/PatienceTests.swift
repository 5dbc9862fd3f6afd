import Foundation
import Testing

@testable import Server

/// Guests that read slowly, ask much at once, or do not finish, and what others notice of them.
struct PatienceTests {
    @Test func `requests behind a large reply are answered in order, however late it is read`() async throws {
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

    @Test func `a half-sent request behind a large reply has its time once that is read`() async throws {
        try await LiveServer.run(limits: { $0.requestTimeout = .milliseconds(300) }) { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
            try await Task.sleep(for: .milliseconds(800))
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.reply().status == 408)
        }
    }

    @Test func `nonsense behind a large reply does not cost that reply`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            let request = "GET /latest/user-data HTTP/1.1\r\n\r\n"
            try await connection.send(request + request + "nonsense\r\n\r\n")
            try await Task.sleep(for: .milliseconds(200))
            _ = connection.sendWithoutWaiting(Array("more nonsense\r\n".utf8))
            for _ in 0..<2 { #expect(try await connection.reply().body == Guests.bigUserData) }
            #expect(try await connection.reply().status == 400)
            #expect(await connection.isEnded())
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])
    func `nothing is said after the last reply`(more: String) async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\nConnection: close\r\n\r\n\(more)")
            try await Task.sleep(for: .milliseconds(200))
            _ = connection.sendWithoutWaiting(Array(more.utf8))
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.receive().isEmpty)
        }
    }

    @Test func `a guest that half-closes gets the whole of a large reply`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            connection.endSending()
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(await connection.isEnded())
        }
    }

    @Test func `a guest that reads slowly is not idle`() async throws {
        try await LiveServer.run(limits: { $0.idleTimeout = .seconds(1) }) { server in
            let connection = try server.connection(of: Guests.huge, window: 64 << 10)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\nConnection: close\r\n\r\n")
            var received = 0
            let started = ContinuousClock.now
            while case let count = try await connection.receive().count, count > 0 {
                received += count
                try await Task.sleep(for: .milliseconds(3))
            }
            #expect(received > Guests.hugeUserData.count)
            #expect(started.duration(to: .now) > .seconds(1), "longer than it may be idle")
        }
    }

    @Test func `a guest that never reads is closed in the end`() async throws {
        try await LiveServer.run(limits: { ($0.idleTimeout, $0.connectionsPerCaller) = (.milliseconds(300), 1) }) { server in
            let connection = try server.connection(of: Guests.big, window: 4096)
            try await connection.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            try await Self.expectFreed(server, Guests.big)
            await #expect(throws: RawConnection.Failure.self) { try await connection.reply() }
        }
    }

    /// Each request is 35 bytes and each reply 4 MiB: who asks without reading would fill the memory a hundred thousand times faster.
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
            #expect(grown < 400 << 20, "\(grown >> 20) MiB more after \(sent) bytes of requests")
        }
    }

    @Test func `what comes after a refusal is not kept`() async throws {
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
            #expect(try Self.residentBytes() - before < 100 << 20)
            #expect(try await connection.reply().body == Guests.bigUserData)
            #expect(try await connection.reply().status == 413)
        }
    }

    @Test func `half-sent, slow and refused requests hold up nobody else`() async throws {
        try await LiveServer.run { server in
            let slow = try server.connection(of: Guests.big, window: 4096)
            try await slow.send("GET /latest/user-data HTTP/1.1\r\n\r\n")
            let half = try (0..<20).map { _ in try server.connection(of: Guests.stranger) }
            for connection in half { try await connection.send("GET / HTTP/1.1\r\nHost:") }
            let gone = try server.connection(of: Guests.nobody)
            try await gone.send("nonsense\r\n\r\n")
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
        for _ in 0..<100 {
            let connection = try server.connection(of: guest)
            if try await !connection.isEndedAtOnce() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the first connection stays")
    }

    private static func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return (fields.dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
    }
}

extension RawConnection {
    /// Whether it is ended before it answers a request.
    fileprivate func isEndedAtOnce() async throws -> Bool {
        do {
            try await send("HEAD / HTTP/1.1\r\n\r\n")
            return try await reply(toHead: true).status != 200
        } catch {
            return true
        }
    }
}
