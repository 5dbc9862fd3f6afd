import Common
import Emulator
import Foundation
import Guests
import TestSupport

/// An emulator for a test, on free ports of 127.0.0.1.
final class TestEmulator: Sendable {
    /// What the emulator has recorded.
    private final class Records: Sendable {
        let list = Locked<[AccessRecord]>([])
    }

    static let loopback = IPAddress(v4: 0x7F00_0001)

    let instances: [EmulatedInstance]
    let server: EmulatorServer
    private let seen = Records()

    var instance: EmulatedInstance { instances[0] }
    /// The records of the requests so far.
    var records: [AccessRecord] { seen.list.withLock { $0 } }

    /// - Parameter sources: the example instance by default.
    private init(
        _ sources: [EmulatorSource], on addresses: [IPAddress], rules: EmulatedInstance.Rules, clock: any EmulatorClock,
        director: any RequestDirector, limits: GuestLimits
    ) throws {
        instances = try sources.map { try EmulatedInstance($0, rules: rules, clock: clock) }
        server = EmulatorServer(instances, on: addresses, clock: clock, director: director, limits: limits) { [seen] record in
            seen.list.withLock { $0.append(record) }
        }
    }

    /// Runs a test with an emulator, and ends it then.
    static func run(
        _ sources: [EmulatorSource]? = nil, on addresses: [IPAddress] = [loopback],
        rules: EmulatedInstance.Rules = EmulatedInstance.Rules(), clock: any EmulatorClock = RealClock(),
        director: any RequestDirector = FaithfulDirector(), limits: GuestLimits = GuestLimits(),
        _ body: (TestEmulator) async throws -> Void
    ) async throws {
        let emulator = try TestEmulator(
            sources ?? [.builtIn()], on: addresses, rules: rules, clock: clock, director: director, limits: limits)
        try await emulator.server.start(port: 0)
        do {
            try await body(emulator)
        } catch {
            await emulator.server.stop()
            throw error
        }
        await emulator.server.stop()
    }

    func port(of number: Int = 0) -> Int {
        server.urls(of: instances[number]).first?.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }

    /// A kept connection.
    func client(of number: Int = 0) throws -> PlainClient { try PlainClient(to: port(of: number)) }

    func connection(of number: Int = 0) throws -> RawConnection { try RawConnection(to: port(of: number)) }

    func get(_ path: String) throws -> RawReply { try client().request("GET", path) }

    /// Waits for the record of a request.
    func record(_ number: Int) async throws -> AccessRecord? {
        _ = try await eventually { records.contains { $0.number == number } }
        return records.first { $0.number == number }
    }
}

/// Changes each plan alike.
final class PlanChange: RequestDirector {
    private let change: @Sendable (inout WirePlan, EmulatedRequest) -> String?

    init(_ change: @escaping @Sendable (inout WirePlan, EmulatedRequest) -> String?) { self.change = change }

    func received(_ request: EmulatedRequest, by instance: EmulatedInstance) {}

    func direct(_ plan: inout WirePlan, for request: EmulatedRequest, by instance: EmulatedInstance) -> String? {
        change(&plan, request)
    }

    func ended(_ record: AccessRecord) {}
}

/// A folder for the files of one test.
final class TestFolder {
    let url = FileManager.default.temporaryDirectory.appending(path: "emulator-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Writes a file, and gives its path.
    @discardableResult func write(_ name: String, _ text: String) throws -> String {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    var path: String { url.path }
}
