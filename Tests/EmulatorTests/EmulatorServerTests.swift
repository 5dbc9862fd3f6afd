import Common
import Foundation
import Guests
import TestSupport
import Testing

@testable import Emulator

@Suite struct EmulatorServerTests {
    private static let ttl = "X-aws-ec2-metadata-token-ttl-seconds"
    private static let token = "X-aws-ec2-metadata-token"

    @Test func `each instance has a port of its own, and its own tokens`() async throws {
        let sources = try [EmulatorSource.builtIn().named("a"), EmulatorSource.builtIn().named("b")]
        try await TestEmulator.run(sources) { (emulator) async throws in
            #expect(emulator.port(of: 0) != emulator.port(of: 1))
            try emulator.instances[1].values.set(EmulatedPath("hostname"), to: Array("second".utf8))
            #expect(try emulator.client(of: 0).request("GET", "/latest/meta-data/hostname").text == "example")
            #expect(try emulator.client(of: 1).request("GET", "/latest/meta-data/hostname").text == "second")
            let token = try emulator.client(of: 0).token()
            for (number, status) in [(0, 200), (1, 401)] {
                let reply = try emulator.client(of: number).request("GET", "/latest/user-data", headers: [(Self.token, token)])
                #expect(reply.status == status)
            }
        }
    }

    @Test func `tokens are as real ones: wrong and expired ones are refused, also where none is required`() async throws {
        let clock = ManualClock(startOfDay: 1_800_000_000)
        try await TestEmulator.run(clock: clock) { (emulator) async throws in
            let client = try emulator.client()
            let issued = try client.request("PUT", "/latest/api/token", headers: [(Self.ttl, "60")])
            #expect(issued.status == 200 && issued.field(Self.ttl) == "60")
            let get = { (token: String) in
                try client.request("GET", "/latest/meta-data/ami-id", headers: [(Self.token, token)]).status
            }
            #expect(try get(issued.text) == 200)
            clock.advance(by: .seconds(59))
            #expect(try get(issued.text) == 200)
            clock.advance(by: .seconds(2))
            #expect(try get(issued.text) == 401)
            #expect(try get("x") == 401)
            #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 200)
            #expect(emulator.records.map(\.request?.token) == [TokenState.none, .good, .good, .expired, .wrong, TokenState.none])
            #expect(emulator.records.map(\.status) == [200, 200, 200, 401, 401, 200])
        }
    }

    @Test func `required tokens and revoked ones`() async throws {
        var rules = EmulatedInstance.Rules()
        rules.sessions.tokens = .required
        try await TestEmulator.run(rules: rules) { (emulator) async throws in
            let client = try emulator.client()
            #expect(try client.request("GET", "/latest/meta-data/").status == 401)
            let token = try client.token()
            #expect(try client.request("GET", "/latest/meta-data/", headers: [(Self.token, token)]).status == 200)
            emulator.instance.revokeTokens()
            #expect(try client.request("GET", "/latest/meta-data/", headers: [(Self.token, token)]).status == 401)
            let other = try client.token()
            #expect(try client.request("GET", "/latest/meta-data/", headers: [(Self.token, other)]).status == 200)
        }
    }

    @Test func `the same seed gives the same tokens and documents, another one others`() async throws {
        var tokens: [String] = []
        var documents: [String] = []
        for seed in [1, 1, 2] as [UInt64] {
            var rules = EmulatedInstance.Rules()
            rules.entropy = { SeededEntropy.entropy(seed: seed, purpose: $0) }
            try await TestEmulator.run(rules: rules, clock: ManualClock(startOfDay: 1_800_000_000)) { (emulator) async throws in
                let client = try emulator.client()
                tokens.append(try client.token())
                let reply = try client.request("GET", "/openstack/latest/meta_data.json")
                documents.append(reply.head + reply.text)
            }
        }
        #expect(tokens[0] == tokens[1] && tokens[0] != tokens[2])
        #expect(documents[0] == documents[1] && documents[0] != documents[2])
        #expect(documents[0].contains("Date: Fri, 15 Jan 2027 08:00:00 GMT"))
    }

    @Test func `a record has what was asked and answered`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let client = try emulator.client()
            let reply = try client.request(
                "HEAD", "/latest/user-data?x=1", headers: [("User-Agent", "agent/1"), (Self.token, "secret"), ("X-Other", "y")])
            #expect(reply.status == 401)
            let record = try #require(try await emulator.record(1))
            #expect(record.json["n"] == .integer(1) && record.json["method"] == .string("HEAD"))
            #expect(record.json["target"] == .string("/latest/user-data?x=1") && record.json["instance"] == .string("example"))
            #expect(record.json["token"] == .string("wrong") && record.json["status"] == .integer(401))
            #expect(record.json["bytes"] == .integer(Int64(reply.head.utf8.count)) && record.json["rule"] == .null)
            #expect(record.json["ended"] == .string("sent"))
            let headers = JSONValue.object([
                JSONMember("host", .string("169.254.169.254")), JSONMember("user-agent", .string("agent/1")),
            ])
            #expect(record.json["headers"] == headers)
            let time = try #require(record.json["time"].flatMap { if case .string(let text) = $0 { text } else { nil } })
            #expect(time.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil, "\(time)")
            // What rules see is all of it.
            #expect(record.request?.headers.contains(HeaderField("X-Other", "y")) == true)
        }
    }

    @Test func `requests that come together are answered in order, each with its own fields`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let connection = try emulator.connection()
            let requests = (0..<10).map { "GET /latest/meta-data/ami-id?\($0) HTTP/1.1\r\nUser-Agent: a\($0)\r\n\r\n" }.joined()
            try await connection.send(requests)
            for _ in 0..<10 { #expect(try await connection.reply().status == 200) }
            let agents = emulator.records.compactMap { $0.request?.headers.first?.value }
            #expect(agents == (0..<10).map { "a\($0)" })
            #expect(emulator.records.map(\.number) == Array(1...10))
        }
    }

    @Test func `a request in pieces of one byte is answered and recorded whole`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let connection = try emulator.connection()
            for byte in "\r\nPOST /openstack/latest/password HTTP/1.1\r\nX-A: b c \r\nContent-Length: 3\r\n\r\nabc".utf8 {
                try await connection.send([byte])
            }
            #expect(try await connection.reply().status == 200)
            #expect(emulator.records[0].request?.headers == [HeaderField("X-A", "b c"), HeaderField("Content-Length", "3")])
            #expect(try emulator.get("/openstack/latest/password").text == "abc")
            try await connection.send("POST /openstack/latest/password HTTP/1.1\r\nContent-Length: 1\r\n\r\nd")
            #expect(try await connection.reply().status == 409)
        }
    }

    @Test func `bytes that are no request are refused and recorded`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let connection = try emulator.connection()
            try await connection.send("nonsense\r\n\r\n")
            #expect(try await connection.reply().status == 400)
            #expect(await connection.isEnded())
            let record = try #require(try await emulator.record(1))
            #expect(record.ending == .refused && record.status == 400 && record.request == nil)
            #expect(record.json["method"] == .null)
        }
    }

    @Test(arguments: ["", "GET /latest/meta-data/ami-id HTTP/1.1\r\n\r\n"])
    func `a request that is incomplete in time gets 408, also behind another`(before: String) async throws {
        var limits = GuestLimits()
        limits.requestTimeout = .milliseconds(300)
        try await TestEmulator.run(limits: limits) { (emulator) async throws in
            let connection = try emulator.connection()
            try await connection.send(before + "GET / HTTP/1.1\r\nHost:")
            if !before.isEmpty { #expect(try await connection.reply().status == 200) }
            let reply = try await connection.reply()
            #expect(reply.status == 408 && reply.field("Connection") == "close")
            #expect(try await emulator.record(before.isEmpty ? 1 : 2)?.ending == .refused)
        }
    }

    @Test func `an identity document is signed, and its signature stays`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let client = try emulator.client()
            let first = try client.request("GET", "/latest/dynamic/instance-identity/signature")
            #expect(first.status == 200 && !first.text.isEmpty)
            #expect(try client.request("GET", "/latest/dynamic/instance-identity/signature").text == first.text)
        }
    }

    @Test func `IPv6 addresses are served at the same port`() async throws {
        let addresses = [TestEmulator.loopback, try #require(IPAddress("::1"))]
        try await TestEmulator.run(on: addresses) { (emulator) async throws in
            let urls = emulator.server.urls(of: emulator.instance)
            #expect(urls == ["http://127.0.0.1:\(emulator.port())", "http://[::1]:\(emulator.port())"])
            let client = try PlainClient(to: emulator.port(), at: "::1")
            #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 200)
        }
    }

    @Test func `a port that refuses is open again afterwards`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            emulator.server.refuse(FamilySet(v4: true, v6: false), of: "example")
            #expect(try await eventually { (try? emulator.client()) == nil })
            emulator.server.refuse(FamilySet(v4: false, v6: false), of: "example")
            #expect(try await eventually { (try? emulator.get("/latest/meta-data/ami-id").status) == 200 })
        }
    }

    @Test func `a port that refuses stays the emulator's`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let port = emulator.port()
            emulator.server.refuse(FamilySet(v4: true, v6: true), of: "example")
            emulator.server.settle()
            let failure = #expect(throws: RawConnection.Failure.self) { try emulator.connection() }
            #expect(failure?.code == ECONNREFUSED)
            // Another program gets it neither by number nor by chance.
            let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', \(port)))"
            #expect(try Command.run(["python3", "-c", script]).stderr.contains("Address already in use"))
            emulator.server.refuse(FamilySet(v4: false, v6: false), of: "example")
            #expect(try await eventually { (try? emulator.get("/latest/meta-data/ami-id").status) == 200 })
        }
    }

    @Test func `every address of both families is served at one port, IPv4 as itself`() async throws {
        let addresses = try ["0.0.0.0", "::"].map { try #require(IPAddress($0)) }
        try await TestEmulator.run(on: addresses) { (emulator) async throws in
            for address in ["127.0.0.1", "::1"] {
                let client = try PlainClient(to: emulator.port(), at: address)
                #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 200)
            }
        }
    }

    @Test func `more connections than there may be are closed at once`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let standing = try (0..<EmulatorServer.mostConnections).map { _ in try emulator.connection() }
            // All are accepted before the next.
            #expect(try await standing[EmulatorServer.mostConnections - 1].isAnswered())
            #expect(await (try emulator.connection()).isEnded())
            #expect(try await standing[0].isAnswered())
        }
    }

    @Test func `an address that is taken is reported`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let other = EmulatorServer([emulator.instance], on: [TestEmulator.loopback], clock: RealClock())
            let error = await #expect(throws: EmulatorError.self) { try await other.start(port: emulator.port()) }
            let reason = "Address already in use; choose another port, or none for a free one"
            #expect(error?.description == "cannot listen on 127.0.0.1:\(emulator.port()): \(reason)")
            await other.stop()
        }
    }
}

extension RawConnection {
    fileprivate func isAnswered() async throws -> Bool {
        try await send("GET /latest/meta-data/ami-id HTTP/1.1\r\n\r\n")
        return try await reply().status == 200
    }
}
