import Common
import Glibc
import TestSupport
import Testing

@testable import Emulator

/// Each fault as a client sees it: raw bytes over a real connection.
@Suite struct FaultsOnTheWireTests {
    private static let body = "web.example.internal"

    private func emulator(_ effect: String, when: String = "{}", addresses: [String] = ["127.0.0.1"]) async throws -> LiveEmulator
    {
        try await LiveEmulator("faults:\n- {name: f, when: \(when), do: \(effect)}", addresses: addresses)
    }

    /// The record of the only request.
    private func record(_ emulator: LiveEmulator) async throws -> AccessRecord {
        try #require(try await eventually { !emulator.director.records.kept.isEmpty })
        return emulator.director.records.kept[0]
    }

    // MARK: Answers

    @Test func `without a fault the server's own reply is sent`() async throws {
        let emulator = try await LiveEmulator("")
        let reply = try await emulator.get()
        #expect(reply.status == 200 && reply.text == Self.body)
        #expect(try await record(emulator).rule == nil)
    }

    @Test func `a status has its headers and body`() async throws {
        let emulator = try await emulator(
            "{status: 503, headers: {X-Cause: test}, retry-after: 2s, body: busy}", when: "{first: 1}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        let reply = try await connection.reply()
        #expect(reply.head.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(reply.field("Retry-After") == "2" && reply.field("X-Cause") == "test" && reply.text == "busy")
        // The connection goes on.
        try await connection.send(LiveEmulator.request())
        #expect(try await connection.reply().text == Self.body)
        let record = try await record(emulator)
        #expect(record.rule == "f" && record.status == 503 && record.ending == .sent)
    }

    @Test func `a HEAD gets the status without the body`() async throws {
        let emulator = try await emulator("{status: 429, body: slow down}")
        let reply = try await emulator.get(method: "HEAD")
        #expect(reply.status == 429 && reply.field("Content-Length") == "9" && reply.body.isEmpty)
    }

    @Test func `a storm of 401 ends`() async throws {
        let emulator = try await emulator("{status: 401}", when: "{first: 3}")
        var statuses: [Int] = []
        for _ in 0..<5 { statuses.append(try await emulator.get().status) }
        #expect(statuses == [401, 401, 401, 200, 200])
    }

    @Test func `a redirect and a captive portal are answers of another service`() async throws {
        let redirect = try await emulator("{redirect: 'http://192.0.2.1/login'}").get()
        #expect(redirect.status == 302 && redirect.field("Location") == "http://192.0.2.1/login")
        let portal = try await emulator("captive-portal").get()
        #expect(
            portal.status == 200 && portal.field("Content-Type") == "text/html; charset=UTF-8" && portal.text.contains("<html>"))
    }

    @Test func `garbage is no HTTP, and ends the connection`() async throws {
        let emulator = try await emulator("garbage")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        let all = try await connection.rest()
        #expect(!all.isEmpty && !all.contains("HTTP/1"))
    }

    @Test func `a dropped request gets no byte, and its connection stays open`() async throws {
        let emulator = try await emulator("drop", when: "{first: 1}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        try await emulator.settle(afterRequests: 1)
        // Another connection is served meanwhile.
        #expect(try await emulator.get().text == Self.body)
        emulator.advance(599)
        emulator.server.settle()
        connection.endSending()
        #expect(try await connection.rest().isEmpty)
        #expect(try await eventually { emulator.director.records.kept.contains { $0.ending == .silence && $0.bytes == 0 } })
    }

    // MARK: Pace

    @Test func `a delay is before the first byte`() async throws {
        let emulator = try await emulator("{delay: 30s}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        try await emulator.settle(afterRequests: 1)
        emulator.advance(29.9)
        emulator.server.settle()
        #expect(emulator.director.records.kept.isEmpty)
        emulator.advance(0.1)
        #expect(try await connection.reply().text == Self.body)
    }

    @Test func `a delay of the body is after the head`() async throws {
        let emulator = try await emulator("{body-delay: 5s}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        var head = ""
        while !head.hasSuffix("\r\n\r\n") { head += String(decoding: try await connection.receive(), as: UTF8.self) }
        #expect(head.contains("Content-Length: \(Self.body.utf8.count)\r\n"))
        emulator.server.settle()
        emulator.advance(5)
        #expect(String(decoding: try await connection.receive(), as: UTF8.self) == Self.body)
    }

    @Test func `a slow body comes in pieces`() async throws {
        let emulator = try await emulator("{rate: 20}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        var all = ""
        while !all.hasSuffix("\r\n\r\nwe") { all += String(decoding: try await connection.receive(), as: UTF8.self) }
        // Two bytes in each tenth of a second.
        for count in stride(from: 4, through: Self.body.utf8.count, by: 2) {
            emulator.server.settle()
            emulator.advance(0.1)
            let expected = String(Self.body.prefix(count))
            while !all.hasSuffix(expected) { all += String(decoding: try await connection.receive(), as: UTF8.self) }
            #expect(all.hasSuffix("\r\n\r\n\(expected)"))
        }
    }

    // MARK: Lengths and ends

    @Test func `a body is cut short of its announced length`() async throws {
        let emulator = try await emulator("{truncate: 5}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        let all = try await connection.rest()
        #expect(all.contains("Content-Length: \(Self.body.utf8.count)\r\n") && all.hasSuffix("\r\n\r\nweb.e"))
        #expect(try await record(emulator).ending == .cut)
    }

    @Test func `a wrong length is announced, and the body is whole`() async throws {
        let emulator = try await emulator("{content-length: 4, truncate: 1000}")
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        let all = try await connection.rest()
        #expect(all.contains("\r\nContent-Length: 4\r\n") && !all.contains("Content-Length: 20") && all.hasSuffix(Self.body))
    }

    @Test func `a connection is reset before the head or within the body`() async throws {
        for (effect, received) in [("reset", ""), ("{reset: 7}", "web.exa")] {
            let emulator = try await emulator(effect)
            let connection = try emulator.connection()
            try await connection.send(LiveEmulator.request())
            var all = ""
            let failure = await #expect(throws: RawConnection.Failure.self) {
                while case let bytes = try await connection.receive(), !bytes.isEmpty {
                    all += String(decoding: bytes, as: UTF8.self)
                }
            }
            #expect(failure?.code == ECONNRESET)
            #expect(received.isEmpty ? all.isEmpty : all.hasSuffix("\r\n\r\n\(received)"), "\(effect): \(all)")
            #expect(try await record(emulator).ending == .reset)
        }
    }

    /// Packets are read from the link.
    /// An address of IPv6 that stands for all takes clients of IPv4 too.
    @Test(.enabled(if: NetworkNamespace.isAvailable, "needs root"), arguments: ["127.0.0.1", "::"])
    func `packets of an answer have a hop limit`(address: String) async throws {
        let emulator = try await emulator("{hop-limit: 1}", when: "{every: 2}", addresses: [address])
        // The TTL of the packets that carry the two answers (packet(7)).
        let program = """
            import socket, sys
            port = int(sys.argv[1])
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            packets.bind(("lo", 0x0800))
            packets.settimeout(10)
            client = socket.create_connection(("127.0.0.1", port), 10)
            for _ in range(2):
                client.sendall(b"GET /latest/meta-data/hostname HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                while True:
                    packet = packets.recv(65536)
                    header = (packet[0] & 15) * 4
                    source = int.from_bytes(packet[header:header + 2], "big")
                    if source == port and b"web.example.internal" in packet:
                        break
                print(packet[8])
                client.recv(65536)
            """
        let output = try Command.run(["python3", "-c", program, "\(try emulator.port())"])
        let hops = output.stdout.split(separator: "\n").compactMap { Int($0) }
        #expect(hops.count == 2 && hops.first ?? 0 > 1 && hops.last == 1, "\(output)")
    }

    // MARK: Connections

    @Test func `connections are refused in a time window, of one instance`() async throws {
        let emulator = try await LiveEmulator("faults:\n- {match: {instance: web}, when: {from: 10s, to: 20s}, do: refuse}")
        #expect(try await emulator.get().status == 200)
        let port = try emulator.port()
        emulator.advance(10)
        emulator.server.settle()
        let failure = #expect(throws: RawConnection.Failure.self) { try RawConnection(to: port) }
        #expect(failure?.code == ECONNREFUSED)
        #expect(try await emulator.get(from: 1).status == 200)
        emulator.advance(10)
        #expect(try await eventually { (try? RawConnection(to: port)) != nil })
        #expect(try emulator.port() == port)
        #expect(try await emulator.get().status == 200)
    }

    @Test func `a service is reachable by IPv6 alone`() async throws {
        let emulator = try await emulator("ipv6-only", addresses: ["127.0.0.1", "::1"])
        let port = try emulator.port()
        #expect(try await eventually { (try? RawConnection(to: port)) == nil })
        let output = try Command.run(["curl", "-s", "-g", "http://[::1]:\(port)/latest/meta-data/hostname"])
        #expect(output.stdout == Self.body)
    }

    // MARK: Which requests

    @Test func `a fault is for requests with a token of some state`() async throws {
        let emulator = try await LiveEmulator(
            """
            faults:
            - {name: none, match: {token: none, path: meta-data/**}, do: {status: 511}}
            - {name: expired, match: {token: expired}, do: {status: 512}}
            - {name: wrong, match: {token: wrong}, do: {status: 513}}
            """)
        let token = try await emulator.token(lifetime: 60).text
        #expect(try await emulator.get().status == 511)
        #expect(try await emulator.get(token: token).status == 200)
        #expect(try await emulator.get(token: "x").status == 513)
        emulator.advance(61)
        #expect(try await emulator.get(token: token).status == 512)
    }

    @Test func `without a fault an expired token gets 401, by the stepped clock`() async throws {
        let emulator = try await LiveEmulator("")
        let token = try await emulator.token(lifetime: 60).text
        emulator.advance(59)
        #expect(try await emulator.get(token: token).status == 200)
        emulator.advance(1)
        #expect(try await emulator.get(token: token).status == 401)
    }
}
