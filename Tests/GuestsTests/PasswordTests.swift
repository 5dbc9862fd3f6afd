import Common
import Foundation
import Logging
import TestSupport
import Testing

@testable import Guests

/// Passwords that guests set, over a live socket, with a store that the test controls.
@Suite struct PasswordTests {
    /// Stores passwords as the test says, and remembers them.
    private final class Keeper: Sendable {
        private struct State {
            var kept: [String] = []
            var waiting: [@Sendable (PasswordOutcome) -> Void] = []
        }

        private let outcome: PasswordOutcome?
        private let state = Locked(State())

        /// - Parameter outcome: reported at once; `nil` to wait for `answer`.
        init(_ outcome: PasswordOutcome? = .stored) { self.outcome = outcome }

        var kept: [String] { state.withLock { $0.kept } }

        @Sendable func keep(
            _ text: String, _ domain: InstanceUUID, _ host: HostNumber, _ done: @escaping @Sendable (PasswordOutcome) -> Void
        ) {
            state.withLock { $0.kept.append("\(domain.description.suffix(1))\(host.isLocal ? "" : " elsewhere"): \(text)") }
            if let outcome { return done(outcome) }
            state.withLock { $0.waiting.append(done) }
        }

        func answer(_ outcome: PasswordOutcome) {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for done in waiting { done(outcome) }
        }

        func hasKept(_ count: Int) async throws {
            _ = try await eventually { kept.count >= count }
            try #require(kept.count == count)
        }
    }

    private static let path = "/openstack/2013-04-04/password"

    private static func post(_ body: String, fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func status(_ request: [UInt8], _ server: LiveServer, as guest: String = Guests.web) async throws -> Int {
        let connection = try server.connection(of: guest)
        try await connection.send(request)
        return try await connection.reply().status
    }

    private static func status(_ request: String, _ server: LiveServer, as guest: String = Guests.web) async throws -> Int {
        try await status(Array(request.utf8), server, as: guest)
    }

    @Test func `a password is stored, and the answer is an empty 200, in every version that has the path`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server in
            let connection = try server.connection()
            for version in ["2013-04-04", "2020-10-14", "latest"] {
                try await connection.send(Self.post("c2VjcmV0").replacing("2013-04-04", with: version))
                let reply = try await connection.reply()
                #expect(reply.status == 200)
                #expect(reply.field("Content-Length") == "0")
                #expect(reply.field("Content-Type") == "text/plain; charset=UTF-8")
            }
            #expect(keeper.kept == ["1: c2VjcmV0", "1: c2VjcmV0", "1: c2VjcmV0"])
        }
    }

    @Test func `GET and HEAD of the path without a password are an empty 200`() async throws {
        try await LiveServer.run { server in
            let reply = try await server.get(Self.path)
            #expect(reply.status == 200)
            #expect(reply.field("Content-Length") == "0")
            let connection = try server.connection()
            try await connection.send("HEAD \(Self.path) HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply(toHead: true).status == 200)
            #expect(try await server.get("/openstack/2012-08-10/password").status == 404)
        }
    }

    @Test func `a password is visible to its own instance only`() async throws {
        let keeper = Keeper()
        let set = Guests.instance(1, "web", mac: "52:54:00:00:00:02", password: "first")
        let snapshot = Guests.snapshot(
            of: [set, Guests.instance(2, "big", mac: "52:54:00:00:00:03")], isComplete: true)
        try await LiveServer.run(snapshot: snapshot, passwords: keeper.keep) { server async throws in
            #expect(try await server.get(Self.path).text == "first")
            #expect(try await server.get(Self.path, as: Guests.big).text == "")
            #expect(try await Self.status(Self.post("second"), server) == 409)
            #expect(try await Self.status(Self.post(""), server) == 409)
            #expect(try await Self.status(Self.post("other"), server, as: Guests.big) == 200)
            #expect(keeper.kept == ["2: other"])
        }
    }

    @Test(arguments: [
        (PasswordOutcome.alreadySet, 409), (.noDomain, 404), (.unavailable, 503),
    ]) func `the outcome of storing is the answer`(outcome: PasswordOutcome, status: Int) async throws {
        try await LiveServer.run(passwords: Keeper(outcome).keep) { server in
            let connection = try server.connection()
            for _ in 0..<2 {
                try await connection.send(Self.post("a"))
                let reply = try await connection.reply()
                #expect(reply.status == status)
                #expect(reply.field("Retry-After") == (status == 503 ? "5" : nil))
            }
        }
    }

    @Test func `1,020 bytes are accepted, and not one more, in one piece or in several`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server async throws in
            for (length, expected) in [(1019, 200), (1020, 200), (1021, 400), (60_000, 400)] {
                let body = String(repeating: "x", count: length)
                #expect(try await Self.status(Self.post(body), server) == expected)
                let chunks = [body.prefix(500), body.dropFirst(500)].map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
                let chunked = "POST \(Self.path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks.joined())0\r\n\r\n"
                #expect(try await Self.status(chunked, server) == expected)
            }
            #expect(keeper.kept.map(\.count) == [1022, 1022, 1023, 1023])
        }
    }

    @Test func `a body without a length is refused`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server async throws in
            #expect(try await Self.status("POST \(Self.path) HTTP/1.1\r\n\r\n", server) == 400)
            #expect(try await Self.status("POST \(Self.path) HTTP/1.0\r\n\r\n", server) == 400)
            #expect(keeper.kept.isEmpty)
        }
    }

    @Test func `an empty body changes nothing`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server async throws in
            #expect(try await Self.status(Self.post(""), server) == 200)
            let chunked = "POST \(Self.path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            #expect(try await Self.status(chunked, server) == 200)
            #expect(keeper.kept.isEmpty)
        }
    }

    @Test(arguments: [[0xFF], [0xC3], [0x61, 0x00], [0x1B], [0xEF, 0xBF, 0xBE], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func `bytes that are not text, or not valid in XML, are refused`(body: [UInt8]) async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server async throws in
            let head = "POST \(Self.path) HTTP/1.1\r\nContent-Length: \(body.count)\r\n\r\n"
            #expect(try await Self.status(Array(head.utf8) + body, server) == 400)
            #expect(keeper.kept.isEmpty)
        }
    }

    @Test func `text that is valid in XML is stored to the byte`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server async throws in
            #expect(try await Self.status(Self.post(" <&>\r\n\t☃ "), server) == 200)
            #expect(keeper.kept.map { Array($0.utf8) } == [Array("1:  <&>\r\n\t☃ ".utf8)])
        }
    }

    @Test func `bytes after the body are the next request, and a short body is waited for`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(limits: { $0.requestTimeout = .seconds(1) }, passwords: keeper.keep) { server in
            let connection = try server.connection()
            try await connection.send(Self.post("one") + Self.post("two") + "GET / HTTP/1.1\r\n\r\n")
            for _ in 0..<3 { #expect(try await connection.reply().status == 200) }
            #expect(keeper.kept == ["1: one", "1: two"])
            try await connection.send("POST \(Self.path) HTTP/1.1\r\nContent-Length: 5\r\n\r\nfour")
            #expect(try await connection.reply().status == 408)
            #expect(await connection.isEnded())
            #expect(keeper.kept.count == 2)
        }
    }

    @Test(arguments: ["PUT", "DELETE", "PATCH", "OPTIONS"]) func `other methods are refused`(method: String) async throws {
        let keeper = Keeper()
        try await LiveServer.run(passwords: keeper.keep) { server in
            let connection = try server.connection()
            try await connection.send("\(method) \(Self.path) HTTP/1.1\r\nContent-Length: 1\r\n\r\na")
            let reply = try await connection.reply()
            #expect(reply.status == 405)
            #expect(reply.field("Allow") == "GET, HEAD, POST")
            #expect(keeper.kept.isEmpty)
        }
    }

    @Test func `where passwords are disabled they are refused, and logged once for each domain`() async throws {
        let logged = LoggedDomains()
        try await LiveServer.run(log: logged.log) { server async throws in
            for guest in [Guests.web, Guests.big, Guests.web] {
                #expect(try await Self.status(Self.post("a"), server, as: guest) == 400)
            }
            #expect(try await server.get(Self.path).status == 200)
        }
        #expect(logged.names == ["web", "big"])
    }

    @Test func `unknown clients get 404, and those without the token that they need 401`() async throws {
        let keeper = Keeper()
        var required = SessionPolicy()
        required.tokens = .required
        try await LiveServer.run(sessions: required, passwords: keeper.keep) { server in
            #expect(try await Self.status(Self.post("a"), server, as: Guests.unmatched) == 404)
            #expect(try await Self.status(Self.post("a"), server) == 401)
            let connection = try server.connection()
            try await connection.send("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
            let field = "X-aws-ec2-metadata-token: \(try await connection.reply().text)\r\n"
            #expect(try await Self.status(Self.post("a", fields: field), server) == 200)
            #expect(keeper.kept == ["1: a"])
        }
    }

    @Test func `a request of an unmatched client is held, with its body`() async throws {
        let keeper = Keeper()
        try await LiveServer.run(snapshot: Snapshot(), limits: { $0.holdTimeout = .seconds(30) }, passwords: keeper.keep) {
            server in
            let connection = try server.connection()
            try await connection.send(Self.post("early"))
            try await server.waitUntilHeld(1)
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().status == 200)
            #expect(keeper.kept == ["1: early"])
        }
    }

    @Test func `a password is stored on the guest's own host, though another has a newer domain with its UUID`() async throws {
        let keeper = Keeper()
        var snapshot = Guests.snapshot
        let claimed = try #require(Guests.instance(1, "claimed", mac: "52:54:00:00:00:09"))
        snapshot.insert(claimed, on: HostNumber(1))
        #expect(snapshot.host(of: claimed.domain) == HostNumber(1))
        try await LiveServer.run(snapshot: snapshot, passwords: keeper.keep) { server in
            let status = try await Self.status(Self.post("mine"), server)
            #expect(status == 200 && keeper.kept == ["1: mine"])
        }
    }

    // MARK: While it is being stored

    @Test func `nothing is sent before a password is stored, and later requests wait`() async throws {
        let keeper = Keeper(nil)
        try await LiveServer.run(passwords: keeper.keep) { server in
            let connection = try server.connection()
            try await connection.send(Self.post("slow") + "GET /openstack/nothing HTTP/1.1\r\n\r\n")
            try await keeper.hasKept(1)
            try await connection.send("GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            keeper.answer(.stored)
            #expect(try await connection.reply().status == 200)
            #expect(try await connection.reply().status == 404)
            #expect(try await connection.reply().text == "web")
        }
    }

    @Test func `a guest that disconnects meanwhile has no effect on others`() async throws {
        let keeper = Keeper(nil)
        try await LiveServer.run(passwords: keeper.keep) { server in
            for _ in 0..<20 {
                let connection = try server.connection()
                try await connection.send(Self.post("gone"))
                connection.abort()
            }
            try await server.waitUntilOpen(0)
            keeper.answer(.stored)
            let status = try await server.get("/latest/meta-data/hostname").status
            #expect(status == 200)
        }
    }

    @Test func `a request that waits when the server stops is answered`() async throws {
        let keeper = Keeper(nil)
        try await LiveServer.run(passwords: keeper.keep) { server in
            let connection = try server.connection()
            try await connection.send(Self.post("late"))
            try await keeper.hasKept(1)
            await server.stop()
            try await server.waitUntilClosed()
            keeper.answer(.stored)
            let reply = try await connection.reply()
            #expect(reply.status == 200)
            #expect(reply.field("Connection") == "close")
            #expect(await connection.isEnded())
        }
    }

    @Test func `a store that does not answer times out, and its late answer is ignored`() async throws {
        let keeper = Keeper(nil)
        try await LiveServer.run(passwords: keeper.keep) { server in
            let connection = try server.connection()
            let start = ContinuousClock.now
            try await connection.send(Self.post("never"))
            try await keeper.hasKept(1)
            try await Task.sleep(for: .seconds(5))
            let reply = try await connection.reply()
            #expect(reply.status == 503)
            #expect(start.duration(to: .now) > .seconds(9))
            keeper.answer(.stored)
            try await connection.send("GET /latest/meta-data/hostname HTTP/1.1\r\n\r\n")
            #expect(try await connection.reply().text == "web")
        }
    }
}

/// The domains that were logged.
private final class LoggedDomains: Sendable {
    private let logged = Locked<[String]>([])

    var names: [String] { logged.withLock { $0 } }
    var log: RecordingLog {
        RecordingLog { event in
            if let name = event.metadata?["domain.name"] { self.logged.withLock { $0.append("\(name)") } }
        }
    }
}
