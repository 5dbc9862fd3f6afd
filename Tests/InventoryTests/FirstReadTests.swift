import Common
import Description
import Foundation
import Libvirt
import Logging
import Testing

@testable import Inventory

/// Domains that the keeper reads before all others, over libvirt's test driver inside this process.
@Suite(.timeLimit(.minutes(1)))
final class FirstReadTests {
    private static let count = 5
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString).xml").path
    private let board = SnapshotBoard()
    private let queue = TaskQueue()
    private let domains: [InstanceUUID]

    init() throws {
        domains = try (1...Self.count).map { try #require(InstanceUUID("00000000-0000-4000-8000-00000000000\($0)")) }
        let elements = domains.enumerated().map { number, uuid in
            """
            <domain type='test'><name>d\(number)</name><uuid>\(uuid)</uuid><memory>8192</memory><os><type>hvm</type></os>
              <devices><interface type='ethernet'><mac address='52:54:00:00:00:0\(number)'/><target dev='tap\(number)'/></interface></devices>
            </domain>
            """
        }
        let network = "<network><name>n</name><uuid>00000000-0000-4000-8000-0000000000ff</uuid><bridge name='br0'/></network>"
        try "<node>\(elements.joined())\(network)</node>".write(toFile: path, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func keeper() -> SnapshotKeeper<ContinuousClock> {
        let uri = "test://" + path
        return SnapshotKeeper(
            hypervisor: Hypervisor(uri: uri, onHint: { _ in }), host: .local, edited: false, queue: queue,
            ledger: InventoryLedger(hosts: 1, board: board), defaults: CurrentDefaults(InstanceDefaults()),
            clock: ContinuousClock(),
            report: InventoryReport(
                uri: uri, isLocal: true, health: HypervisorHealth(uri: uri, host: .local),
                logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }))
    }

    private func claim(_ number: Int, since: ContinuousClock.Instant) -> PortClaim {
        board.snapshot.claim(onPort: "tap\(number)", of: "br0", since: since)
    }

    @Test func `domains that are needed first are read and published before all others, also while everything is read`()
        async throws
    {
        let published = Locked<[Int]>([])
        let bridges = Locked<[Int]>([])
        board.observe { [board] in
            published.withLock { $0.append(board.snapshot.count) }
            bridges.withLock { $0.append(board.snapshot.bridges.count) }
        }
        var keeper = keeper()
        queue.addFirst([domains[3], domains[4]])
        await keeper.run(.synchronise)
        #expect(published.withLock(\.first) == 2)
        #expect(bridges.withLock(\.first) == 0 && bridges.withLock(\.last) == 1, "before the networks, too")
        #expect(board.snapshot.count == Self.count && board.snapshot.isLocalComplete)
        // Before a task of another kind, too.
        published.withLock { $0 = [] }
        let now = ContinuousClock.now
        board.observe { [board] in
            guard published.withLock(\.count) == 1 else { return }
            #expect(board.snapshot.claim(onPort: "tap3", of: "br0", since: now).owner != nil)
        }
        queue.addFirst([domains[3]])
        await keeper.run(.read(.network(name: "none")))
        #expect(published.withLock(\.count) == 2)
    }

    @Test func `a domain's claim on a port counts after a read that began since, whether the domain has changed or not`()
        async throws
    {
        var keeper = keeper()
        let before = ContinuousClock.now
        await keeper.run(.synchronise)
        #expect(claim(1, since: before).owner != nil)
        let seen = ContinuousClock.now
        #expect(claim(1, since: seen).unread.count == 1)
        await keeper.run(.read(.domain(domains[2])))
        #expect(claim(1, since: seen).unread.count == 1, "another was read")
        await keeper.run(.read(.domain(domains[1])))
        #expect(claim(1, since: seen).owner?.instance.domain == domains[1])
        #expect(claim(1, since: .now).unread.count == 1, "when the read began counts")
    }
}
