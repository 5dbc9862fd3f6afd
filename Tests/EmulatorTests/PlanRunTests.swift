import Common
import Emulator
import Foundation
import TestSupport
import Testing

/// What a plan does on the wire, and when.
@Suite struct PlanRunTests {
    private static let request = "GET /latest/meta-data/ami-id HTTP/1.1\r\n\r\n"
    /// The length of the example's body.
    private static let body = "ami-0abcdef1234567890"

    private static func run(
        _ change: @escaping @Sendable (inout WirePlan) -> Void, clock: any EmulatorClock = RealClock(),
        _ body: (TestEmulator, RawConnection) async throws -> Void
    ) async throws {
        let director = PlanChange { plan, _ in
            change(&plan)
            return "change"
        }
        try await TestEmulator.run(clock: clock, director: director) { emulator in
            let connection = try emulator.connection()
            try await connection.send(request)
            try await body(emulator, connection)
        }
    }

    @Test func `a delay passes by the emulator's clock, before the first byte`() async throws {
        let clock = ManualClock()
        try await Self.run({ $0.delay = .seconds(3600) }, clock: clock) { (emulator, connection) async throws in
            #expect(try await eventually { clock.isWaiting })
            clock.advance(by: .seconds(3599))
            // The next request waits behind it.
            try await connection.send(Self.request)
            clock.advance(by: .seconds(1))
            #expect(try await connection.reply().text == Self.body)
            #expect(try await eventually { clock.isWaiting })
            clock.advance(by: .seconds(3600))
            #expect(try await connection.reply().text == Self.body)
            #expect(emulator.records.map(\.ending) == [.sent, .sent])
            #expect(emulator.records.map(\.rule) == ["change", "change"])
        }
    }

    @Test func `a body waits behind its head, and comes at its rate`() async throws {
        let clock = ManualClock()
        let change: @Sendable (inout WirePlan) -> Void = { ($0.bodyDelay, $0.bodyRate) = (.seconds(10), 20) }
        try await Self.run(change, clock: clock) { (emulator, connection) async throws in
            var received = ""
            while !received.hasSuffix("\r\n\r\n") { received += String(decoding: try await connection.receive(), as: UTF8.self) }
            #expect(received.contains("Content-Length: 21"))
            #expect(try await eventually { clock.isWaiting })
            clock.advance(by: .seconds(10))
            var text = ""
            while text.count < 20 {
                let piece = try await connection.receive()
                #expect(piece.count == 2)
                text += String(decoding: piece, as: UTF8.self)
                #expect(try await eventually { clock.isWaiting })
                clock.advance(by: .milliseconds(100))
            }
            text += String(decoding: try await connection.receive(), as: UTF8.self)
            #expect(text == Self.body)
            #expect(try await emulator.record(1)?.ending == .sent)
        }
    }

    @Test func `a cut reply ends early, and the record has the bytes that were sent`() async throws {
        try await Self.run { plan in
            plan.cut = plan.head.count + 5
        } _: { (emulator, connection) async throws in
            let text = try await connection.rest()
            #expect(text.hasSuffix("\r\n\r\nami-0"))
            #expect(text.contains("Content-Length: 21"))
            let record = try #require(try await emulator.record(1))
            #expect(record.ending == .cut && record.bytes == text.utf8.count)
        }
    }

    @Test func `a reset reply ends with a reset`() async throws {
        try await Self.run {
            ($0.cut, $0.end) = (0, .reset)
        } _: { (emulator, connection) async throws in
            let error = await #expect(throws: RawConnection.Failure.self) { try await connection.receive() }
            #expect(error?.code == ECONNRESET)
            #expect(try await emulator.record(1)?.ending == .reset)
            #expect(try await emulator.record(1)?.bytes == 0)
        }
    }

    @Test func `silence lasts until the client ends, or for a long while of the clock`() async throws {
        let clock = ManualClock()
        try await Self.run({ ($0.cut, $0.end) = (0, .silence) }, clock: clock) { (emulator, connection) async throws in
            #expect(try await eventually { clock.isWaiting })
            #expect(emulator.records.isEmpty)
            connection.endSending()
            #expect(await connection.isEnded())
            #expect(try await emulator.record(1)?.ending == .silence)
            let other = try emulator.connection()
            try await other.send(Self.request)
            #expect(try await eventually { clock.isWaiting })
            clock.advance(by: WirePlan.longestSilence)
            #expect(await other.isEnded())
            #expect(try await emulator.record(2)?.ending == .silence)
        }
    }

    @Test func `a client that ends before the reply is recorded so`() async throws {
        let clock = ManualClock()
        let director = PlanChange { plan, _ in
            plan.delay = .seconds(5)
            return nil
        }
        try await TestEmulator.run(clock: clock, director: director) { emulator in
            do {
                let connection = try emulator.connection()
                try await connection.send(Self.request)
                #expect(try await eventually { clock.isWaiting })
                connection.abort()
            }
            #expect(try await emulator.record(1)?.ending == .closedByClient)
            #expect(emulator.records.first?.bytes == 0)
        }
    }

    @Test func `another reply replaces the server's own`() async throws {
        let director = PlanChange { plan, request in
            let headers = [HeaderField("Retry-After", "5")]
            plan.replaceReply(
                status: 503, reason: "Service Unavailable", headers: headers, body: Array("no".utf8), isHead: request.isHead)
            return "busy"
        }
        try await TestEmulator.run(director: director) { emulator in
            let client = try emulator.client()
            let reply = try client.request("GET", "/latest/meta-data/ami-id")
            #expect(reply.status == 503 && reply.text == "no" && reply.field("Retry-After") == "5")
            let head = try client.request("HEAD", "/latest/meta-data/ami-id")
            #expect(head.status == 503 && head.field("Content-Length") == "2")
            #expect(emulator.records.map(\.status) == [503, 503])
            #expect(emulator.records.map(\.rule) == ["busy", "busy"])
        }
    }

    @Test(arguments: [204, 304]) func `a reply of a status without content has none, and the next one follows it`(status: Int)
        async throws
    {
        let director = PlanChange { plan, request in
            if request.target.hasSuffix("ami-id") {
                plan.replaceReply(status: status, reason: "Bare", headers: [], body: Array("no".utf8), isHead: false)
            }
            return nil
        }
        try await TestEmulator.run(director: director) { emulator in
            let connection = try emulator.connection()
            let line = { (path: String) in "GET /latest/meta-data/\(path) HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n" }
            try await connection.send(line("ami-id") + line("instance-type"))
            let head = try await connection.reply(toHead: true)
            #expect(head.status == status && head.field("Content-Length") == nil)
            let next = try await connection.reply()
            #expect(next.status == 200)
        }
    }

    @Test func `a closed reply ends its connection, though its head keeps it`() async throws {
        try await Self.run {
            $0.end = .close
        } _: { (emulator, connection) async throws in
            #expect(try await connection.rest().hasSuffix(Self.body))
            #expect(try await emulator.record(1)?.ending == .sent)
        }
    }

    @Test func `a hop limit holds for one reply`() async throws {
        try await Self.run {
            $0.hopLimit = 1
        } _: { (emulator, connection) async throws in
            // On one machine a limit of 1 is enough; what leaves is a matter of the kernel.
            #expect(try await connection.reply().text == Self.body)
        }
    }
}
