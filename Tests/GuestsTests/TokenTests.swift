import Common
import Foundation
import Identity
import TestSupport
import Testing

@testable import Guests

/// Sessions over a live socket; `fixtures/wire/token-*.txt` have the refusals.
@Suite struct TokenTests {
    private static let required = {
        var policy = SessionPolicy()
        policy.tokens = .required
        return policy
    }()

    /// A token, requested over a separate connection.
    private func token(
        from server: LiveServer, as guest: String = Guests.web, path: String = "/latest/api/token", lifetime: Int = 60,
        fields: String = ""
    ) async throws -> RawReply {
        let connection = try server.connection(of: guest)
        try await connection.send(
            "PUT \(path) HTTP/1.1\r\nx-AWS-ec2-Metadata-token-TTL-seconds: \(lifetime)\r\n\(fields)\r\n")
        return try await connection.reply()
    }

    private func get(_ path: String, with token: String, from server: LiveServer, as guest: String = Guests.web) async throws
        -> Int
    {
        try await server.get(path, as: guest, fields: "X-Aws-Ec2-Metadata-Token: \(token)\r\n").status
    }

    @Test func `a token is issued in every version, by every name of the tree, and is valid there`() async throws {
        try await LiveServer.run(sessions: Self.required) { server in
            for path in ["/latest/api/token", "/1.0/api/token", "/2021-03-23/api/token/", "/ec2/latest//api/token"] {
                let reply = try await token(from: server, path: path)
                #expect(reply.status == 200)
                #expect(reply.head.contains("\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n"))
                #expect(reply.head.contains("\r\nContent-Type: text/plain"))
                #expect(reply.text.utf8.count < 128 && !reply.text.contains("\n"))
                #expect(try await get("/latest/meta-data/instance-id", with: reply.text, from: server) == 200)
                #expect(try await get("/openstack/latest/user_data", with: reply.text, from: server) == 200)
                #expect(try await get("/latest/meta-data/no-such-place", with: reply.text, from: server) == 404)
            }
        }
    }

    @Test func `every lifetime from a second to six hours is repeated`() async throws {
        try await LiveServer.run { server in
            for lifetime in [1, 60, 21_600] {
                let reply = try await token(from: server, lifetime: lifetime)
                #expect(reply.head.contains("\r\nX-aws-ec2-metadata-token-ttl-seconds: \(lifetime)\r\n"))
            }
        }
    }

    @Test func `a PUT may have a body, in pieces too, and HTTP 1.0`() async throws {
        try await LiveServer.run { server in
            #expect(try await token(from: server, fields: "Content-Length: 0\r\n").status == 200)
            let connection = try server.connection()
            let field = "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
            try await connection.send("PUT /latest/api/token HTTP/1.1\r\n\(field)Content-Length: 3\r\n\r\nabc")
            #expect(try await connection.reply().status == 200)
            try await connection.send(
                "PUT /latest/api/token HTTP/1.1\r\n\(field)Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
            #expect(try await connection.reply().status == 200)
            try await connection.send("PUT /latest/api/token HTTP/1.0\r\n\(field)\r\n")
            #expect(try await connection.reply().status == 200)
        }
    }

    @Test func `without a token everything is served unless one is required, and then only the versions`()
        async throws
    {
        let paths = ["/latest/meta-data/instance-id", "/latest/user-data", "/openstack/latest/meta_data.json", "/openstack"]
        try await LiveServer.run { server in
            for path in paths {
                let status = try await server.get(path).status
                #expect(status == 200)
            }
        }
        try await LiveServer.run(sessions: Self.required) { server in
            for path in paths + ["/no/such/place"] {
                let reply = try await server.get(path)
                #expect(reply.status == 401)
                #expect(reply.text == "401 Unauthorized")
            }
            #expect(try await server.get("/").status == 200)
        }
    }

    @Test func `another instance's token is refused, and so is a changed or truncated one`() async throws {
        try await LiveServer.run { server in
            let token = try await token(from: server).text
            #expect(try await get("/latest/meta-data/instance-id", with: token, from: server) == 200)
            #expect(try await get("/latest/meta-data/instance-id", with: token, from: server, as: Guests.big) == 401)
            var changed = Array(token.utf8)
            changed[30] = changed[30] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            for wrong in [String(decoding: changed, as: UTF8.self), String(token.dropLast()), token + token] {
                #expect(try await get("/latest/meta-data/instance-id", with: wrong, from: server) == 401)
            }
        }
    }

    @Test func `a token of a mebibyte is refused before it is read, and so is one that is not text`() async throws {
        try await LiveServer.run { server in
            let connection = try server.connection()
            let token = String(repeating: "A", count: 1 << 20)
            _ = connection.sendWithoutWaiting(
                Array("GET /latest/user-data HTTP/1.1\r\nX-aws-ec2-metadata-token: \(token)\r\n\r\n".utf8))
            #expect(try await connection.reply().status == 431)
            let other = try server.connection()
            try await other.send(
                Array("GET /latest/user-data HTTP/1.1\r\nX-aws-ec2-metadata-token: ".utf8) + [0xFF, 0xC3, 0x28]
                    + Array("\r\n\r\n".utf8))
            #expect([400, 401].contains(try await other.reply().status))
        }
    }

    @Test func `a token expires, also where the clock is set back meanwhile`() async throws {
        let wall = Locked(Int64(1_800_000_000))
        let steady = Locked(Int64(0))
        let clock = TokenClock(wall: { wall.withLock { $0 } }, steady: { steady.withLock { $0 } })
        try await LiveServer.run(clock: clock) { server in
            let token = try await token(from: server, lifetime: 60).text
            steady.withLock { $0 = 59 }
            wall.withLock { $0 += 59 }
            #expect(try await get("/latest/meta-data/instance-id", with: token, from: server) == 200)
            steady.withLock { $0 = 60 }
            wall.withLock { $0 -= 3600 }
            #expect(try await get("/latest/meta-data/instance-id", with: token, from: server) == 401)
        }
    }

    @Test func `a trusted proxy gets a token for the guest it names`() async throws {
        try await LiveServer.run(sessions: Self.required) { server in
            let forwarded = "X-Forwarded-For: \(Guests.web)\r\n"
            let token = try await token(from: server, as: Guests.proxy, fields: forwarded).text
            #expect(try await get("/latest/user-data", with: token, from: server) == 200)
            let fields = "\(forwarded)X-aws-ec2-metadata-token: \(token)\r\n"
            #expect(try await server.get("/latest/user-data", as: Guests.proxy, fields: fields).status == 200)
        }
    }

    @Test func `an instance's session policy overrides the configuration's`() async throws {
        var (open, closed) = (SessionPolicy(), SessionPolicy())
        (open.tokens, closed.tokens) = (.optional, .required)
        let snapshot = Guests.snapshot(
            of: [
                Guests.instance(1, "web", mac: "52:54:00:00:00:02", sessions: open),
                Guests.instance(2, "big", mac: "52:54:00:00:00:03", sessions: closed),
            ], isComplete: true)
        try await LiveServer.run(snapshot: snapshot, sessions: Self.required) { server in
            let status = try await server.get("/latest/meta-data/instance-id").status
            #expect(status == 200)
        }
        try await LiveServer.run(snapshot: snapshot) { server in
            let status = try await server.get("/latest/meta-data/instance-id", as: Guests.big).status
            #expect(status == 401)
        }
    }

    @Test func `a request for a token is held like any other`() async throws {
        try await LiveServer.run(snapshot: Guests.firstSnapshot) { server in
            let connection = try server.connection(of: Guests.big)
            try await connection.send("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
            try await server.waitUntilHeld(1)
            server.board.publish(Guests.snapshot)
            #expect(try await connection.reply().status == 200)
        }
    }
}
