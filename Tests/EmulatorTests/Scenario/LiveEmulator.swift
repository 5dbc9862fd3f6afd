import Common
import TestSupport
import Testing

@testable import Emulator

/// An emulator on loopback whose clock is stepped, with a scenario.
final class LiveEmulator: Sendable {
    /// 2026-01-07T01:03:47Z.
    static let start = 1_767_747_827.0

    let clock = ManualClock(startOfDay: LiveEmulator.start)
    let instances: [EmulatedInstance]
    let director: ScenarioDirector
    let server: EmulatorServer

    /// - Parameters:
    ///   - yaml: the scenario.
    ///   - expectations: what is expected, without the key.
    init(_ yaml: String, expectations: String = "", addresses: [String] = ["127.0.0.1"]) async throws {
        let clock = clock
        let instances = try ["web", "db"].map { try ScenarioExample.instance($0, clock: clock) }
        let scenario = yaml.isEmpty ? Scenario() : try ScenarioExample.scenario(yaml)
        let expected = Array("expect:\n\(expectations)".utf8)
        let list =
            expectations.isEmpty
            ? [] : try ClientExpectation.read(expected, source: "e", names: ScenarioExample.names, scenarios: [scenario])
        self.instances = instances
        server = EmulatorServer(instances, on: try addresses.map { try #require(IPAddress($0)) }, clock: clock)
        director = ScenarioDirector(
            [scenario], expectations: list, clock: clock, instances: instances, ports: server)
        server.conduct(by: director)
        try await server.start(port: 0)
        director.ready()
    }

    deinit {
        let server = server
        Task { await server.stop() }
    }

    func port(of index: Int = 0) throws -> Int {
        let url = try #require(server.urls(of: instances[index]).first)
        return try #require(url.split(separator: ":").last.flatMap { Int($0.filter(\.isNumber)) })
    }

    func connection(to index: Int = 0) throws -> RawConnection { try RawConnection(to: try port(of: index)) }

    /// Reads a path over a connection of its own.
    func get(
        _ target: String = "/latest/meta-data/hostname", method: String = "GET", token: String? = nil, fields: String = "",
        from index: Int = 0
    ) async throws -> RawReply {
        let connection = try connection(to: index)
        try await connection.send(Self.request(target, method: method, token: token, fields: fields))
        return try await connection.reply(toHead: method == "HEAD")
    }

    static func request(
        _ target: String = "/latest/meta-data/hostname", method: String = "GET", token: String? = nil, fields: String = ""
    ) -> String {
        let presented = token.map { "X-aws-ec2-metadata-token: \($0)\r\n" } ?? ""
        return "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(presented)\(fields)\r\n"
    }

    /// A new session token.
    func token(lifetime: Int = 21_600) async throws -> RawReply {
        try await get("/latest/api/token", method: "PUT", fields: "X-aws-ec2-metadata-token-ttl-seconds: \(lifetime)\r\n")
    }

    /// Waits until so many requests are answered, or their plans begun, and the thread of the connections is done with them.
    func settle(afterRequests count: Int) async throws {
        try #require(try await eventually(every: .milliseconds(2)) { director.plannedRequests >= count })
        server.settle()
    }

    func advance(_ seconds: Double) { clock.advance(by: .milliseconds(Int64(seconds * 1000))) }
}
