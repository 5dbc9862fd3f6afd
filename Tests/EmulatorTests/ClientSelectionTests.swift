import Common
import Glibc
import TestSupport
import Testing

@testable import Emulator

/// Several instances at one port.
struct ClientSelectionTests {
    private static let (web, db) = ("127.0.0.2", "127.0.0.3")

    /// An emulator whose clients are instances by their addresses.
    private final class Shared: Sendable {
        let instances: [EmulatedInstance]
        let server: EmulatorServer
        private let log: Log

        private final class Log: Sendable { let records = Locked<[AccessRecord]>([]) }

        var records: [AccessRecord] { log.records.withLock { $0 } }
        var port: Int { server.urls(of: instances[0]).first?.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

        /// - Parameter hasOther: whether a third instance is that of all other clients.
        init(hasOther: Bool = false, director: any RequestDirector = FaithfulDirector()) async throws {
            let clock = RealClock()
            let instances = try ["web", "db", "other"].map { try ScenarioExample.instance($0, clock: clock) }
            let clients = try zip([web, db], instances).map { (address: try #require(IPAddress($0)), instance: $1) }
            let other = hasOther ? instances[2] : try EmulatedInstance.unmatched(clock: clock)
            let log = Log()
            (self.instances, self.log) = (instances, log)
            server = EmulatorServer(
                [ClientSelection(clients, other: other)], on: [TestEmulator.loopback], clock: clock, director: director,
                onRecord: { record in log.records.withLock { $0.append(record) } })
            try await server.start(port: 0)
        }

        deinit {
            let server = server
            Task { await server.stop() }
        }

        func request(_ head: String, from address: String) async throws -> RawReply {
            let connection = try RawConnection(to: port, from: address)
            try await connection.send("\(head)\r\n\r\n")
            return try await connection.reply()
        }

        func host(from address: String) async throws -> String {
            let reply = try await request("GET /latest/meta-data/hostname HTTP/1.1", from: address)
            return reply.status == 200 ? reply.text : "\(reply.status)"
        }
    }

    @Test(arguments: [(false, "404"), (true, "other.example.internal")])
    func `a client is the instance of its address, and others are another's or nobody's`(
        hasOther: Bool, found: String
    ) async throws {
        let shared = try await Shared(hasOther: hasOther)
        #expect(try await shared.host(from: Self.web) == "web.example.internal")
        #expect(try await shared.host(from: Self.db) == "db.example.internal")
        #expect(try await shared.host(from: "127.0.0.4") == found)
        #expect(shared.records.map(\.instance) == ["web", "db", hasOther ? "other" : nil])
        #expect(shared.records[2].json["instance"] == (hasOther ? .string("other") : .null))
        #expect(shared.server.urls(of: shared.instances[1]) == shared.server.urls(of: shared.instances[0]))
    }

    @Test func `a token is good for its instance alone, and others get none`() async throws {
        let shared = try await Shared()
        let put = "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60"
        let token = try await shared.request(put, from: Self.web).text
        let get = "GET /latest/meta-data/hostname HTTP/1.1\r\nX-aws-ec2-metadata-token: \(token)"
        #expect(try await shared.request(get, from: Self.web).status == 200)
        #expect(try await shared.request(get, from: Self.db).status == 401)
        #expect(try await shared.request(put, from: "127.0.0.4").status == 404)
        // The list of versions is every client's, as on a host.
        #expect(try await shared.request("GET / HTTP/1.1", from: "127.0.0.4").status == 200)
    }

    @Test func `what one instance refuses is reset, and what all refuse is refused`() async throws {
        let shared = try await Shared()
        let (all, none) = (FamilySet(v4: true, v6: true), FamilySet(v4: false, v6: false))
        shared.server.refuse(all, of: "web")
        await #expect(throws: (any Error).self) { try await shared.host(from: Self.web) }
        #expect(try await shared.host(from: Self.db) == "db.example.internal")
        shared.server.refuse(all, of: "db")
        shared.server.settle()
        let failure = #expect(throws: RawConnection.Failure.self) { try RawConnection(to: shared.port, from: Self.db) }
        #expect(failure?.code == ECONNREFUSED)
        shared.server.refuse(none, of: "web")
        #expect(try await eventually { (try? await shared.host(from: Self.web)) == "web.example.internal" })
        await #expect(throws: (any Error).self) { try await shared.host(from: Self.db) }
    }
}
