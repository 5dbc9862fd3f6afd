import Common
import Testing

@testable import Inventory

@Suite struct InventoryLedgerTests {
    private let board = SnapshotBoard()

    private static func instance(_ number: Int) throws -> Instance {
        let uuid = try #require(InstanceUUID("00000000-0000-0000-0000-00000000000\(number)"))
        let names = InstanceNames(
            domain: uuid, domainName: "d\(number)", uuid: uuid, id: "i-\(number)", name: "d", hostname: "d")
        return Instance(names: names, launch: LaunchFacts(type: "t"))
    }

    @Test func `what any writer changed is in the next snapshot that any publishes`() throws {
        let ledger = InventoryLedger(hosts: 2, board: board)
        let (first, second) = (try Self.instance(1), try Self.instance(2))
        ledger.withSnapshot { $0.insert(first) }
        ledger.withSnapshot { $0.insert(second, on: HostNumber(1)) }
        #expect(board.snapshot.count == 0)
        ledger.publish()
        #expect(board.snapshot.count == 2)
    }

    @Test func `one hypervisor alone is everything`() {
        let ledger = InventoryLedger(hosts: 1, board: board)
        ledger.publish()
        #expect(!board.snapshot.isComplete && !board.snapshot.isLocalComplete)
        ledger.finishReading(.local)
        ledger.publish()
        #expect(board.snapshot.isComplete)
    }

    @Test func `the inventory is complete when each hypervisor was read once`() {
        let ledger = InventoryLedger(hosts: 3, board: board)
        var seen: [String] = []
        for host in [1, 0, 1, 2] {
            ledger.finishReading(HostNumber(host))
            ledger.publish()
            let snapshot = board.snapshot
            seen.append("\(snapshot.isLocalComplete) \(snapshot.isRemoteComplete) \(snapshot.isComplete)")
        }
        #expect(seen == ["false false false", "true false false", "true false false", "true true true"])
    }
}
