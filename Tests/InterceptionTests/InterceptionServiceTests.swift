import Common
import Foundation
import Guests
import Logging
import TestSupport
import Testing

@testable import Interception
@testable import Netlink

/// When the service reads the host's links and addresses.
@Suite(.timeLimit(.minutes(1)), .enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct InterceptionServiceTests {
    /// What happened last before a reading of all links.
    private enum Cause { case start, repetition, change }

    @Test func `a link that is announced again without a change does not make the service read them all`() async throws {
        let cause = Locked(Cause.start)
        let reads = Locked<[Cause]>([])
        let host = try RecordedHost(gate: { reads.withLock { $0.append(cause.withLock { $0 }) } })
        let network = try NetworkNamespace()
        try network.run("ip", "link", "add", "port", "type", "veth", "peer", "name", "peer")
        let events = try network.enter { try NetworkEvents(of: [.links, .addresses, .routes]) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let board = SnapshotBoard()
        let interceptor = Interceptor(
            InterceptionSettings(), file: try InstalledStateFile(directory: host.directory.path), host: host, board: board,
            logger: logger)
        let service = InterceptionService(interceptor: interceptor, board: board, events: events, logger: logger)
        let start = ContinuousClock.now
        let running = Task { try await service.run() }
        defer { running.cancel() }
        let readsAfter = { (expected: Cause) in try await eventually { reads.withLock { $0.contains(expected) } } }
        #expect(try await readsAfter(.start))
        // To the service every link is new at first.
        cause.withLock { $0 = .change }
        try network.run("ip", "link", "set", "port", "mtu", "1400")
        #expect(try await readsAfter(.change))
        cause.withLock { $0 = .repetition }
        // One after the other, so that they take longer than the service waits between two readings.
        for length in 1..<30 { try network.run("ip", "link", "set", "port", "txqueuelen", "\(length)") }
        let before = reads.withLock { $0.filter { $0 == .change }.count }
        cause.withLock { $0 = .change }
        try network.run("ip", "link", "set", "port", "address", "52:54:00:00:00:0a")
        #expect(try await eventually { reads.withLock { $0.filter { $0 == .change }.count } > before })
        // The upkeep of a slow machine also reads.
        let upkeep = Int(start.duration(to: .now) / Interceptor.upkeepInterval)
        #expect(reads.withLock { $0.filter { $0 == .repetition }.count } <= upkeep)
        running.cancel()
        _ = try? await running.value
    }
}
