import Common
import Libvirt
import Logging
import TestSupport
import Testing

@testable import Description
@testable import Inventory

/// Networks come and go in any number; their problems must go with them.
@Suite struct InventoryReportTests {
    private let lines: Lines
    private let logger: Logger

    /// The names of the networks in what was logged about networks.
    private final class Lines: Sendable {
        private let networks = Locked<[String]>([])

        func add(_ event: LogEvent) {
            let all = "\(event.message)".hasPrefix("cannot list networks") ? "all" : nil
            guard let network = event.metadata?["network"]?.description ?? all else { return }
            networks.withLock { $0.append(network) }
        }

        func take() -> [String] {
            networks.withLock { networks in
                defer { networks = [] }
                return networks
            }
        }
    }

    init() {
        let lines = Lines()
        (self.lines, logger) = (lines, RecordingLog.logger { lines.add($0) })
    }

    private func report(uri: String = "test:///") -> InventoryReport {
        InventoryReport(uri: uri, isLocal: true, health: HypervisorHealth(uri: uri, host: .local), logger: logger)
    }

    @Test func `a network's problem is logged once, and again only after the network was gone`() {
        var report = report()
        let note = { (names: LibvirtName...) in
            for name in names { report.unusable(network: name, DescriptionError(line: 1, "x")) }
            return lines.take()
        }
        #expect(note("one", "two", "one", "two") == ["one", "two"])
        report.read(networks: ["one"])
        #expect(note("one", "two") == ["two"])
        report.forgotten(network: "one")
        #expect(note("one", "two") == ["one"])
    }

    @Test func `a network's problem that has ended is logged again, and one of its leases beside it`() {
        var report = report()
        let error = LibvirtError(code: .invalidConnection, function: "f", message: "m")
        report.unreadable(.leases, of: "one", error)
        report.unreadable(.description, of: "one", error)
        #expect(lines.take() == ["one", "one"])
        report.usable(.description, of: "one")
        report.unreadable(.leases, of: "one", error)
        #expect(lines.take() == [])
        report.unreadable(.description, of: "one", error)
        #expect(lines.take() == ["one"])
    }

    @Test func `a failure to read networks is logged again after they were read`() {
        var report = report()
        let fail = {
            report.unreadableNetworks(LibvirtError(code: .invalidConnection, function: "f", message: "m"))
            return lines.take()
        }
        // However much the authors of networks have filled the log.
        for number in 0..<2000 { report.unusable(network: LibvirtName("\(number)"), DescriptionError(line: 1, "x")) }
        _ = lines.take()
        #expect(fail() == ["all"] && fail().isEmpty)
        report.read(networks: [])
        #expect(fail() == ["all"])
    }

    @Test(
        .timeLimit(.minutes(1)),
        .enabled(if: PrivateLibvirtd.obstacle() == nil, "This test starts a libvirtd of its own, which needs root."))
    func `the keeper forgets the problem of a network that is gone, by its event or when it reads all`() async throws {
        let daemon = try PrivateLibvirtd()
        let hypervisor = Hypervisor(uri: daemon.uri, onHint: { _ in })
        var keeper = SnapshotKeeper(
            hypervisor: hypervisor, host: .local, edited: false, queue: TaskQueue(),
            ledger: InventoryLedger(hosts: 1, board: SnapshotBoard()), defaults: CurrentDefaults(InstanceDefaults()),
            clock: ContinuousClock(), report: report(uri: daemon.uri))
        await keeper.run(.synchronise)
        let deep = try daemon.file("network.xml", DeepNetwork.xml(named: "deep", bridge: "virbr9"))
        for ending in [nil, InventoryTask.read(.network(name: "deep")), .synchronise] {
            if let ending {
                try daemon.virsh("net-destroy", "deep")
                await keeper.run(ending)
            }
            try daemon.virsh("net-create", deep)
            await keeper.run(.synchronise)
            await keeper.run(.read(.network(name: "deep")))
            #expect(lines.take() == ["deep"], "after \(String(describing: ending))")
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        .enabled(if: PrivateLibvirtd.obstacle() == nil, "This test starts a libvirtd of its own, which needs root."))
    func `a network that libvirt cannot describe is reported, and the others are known`() async throws {
        let daemon = try PrivateLibvirtd()
        let hypervisor = Hypervisor(uri: daemon.uri, onHint: { _ in })
        let board = SnapshotBoard()
        var keeper = SnapshotKeeper(
            hypervisor: hypervisor, host: .local, edited: false, queue: TaskQueue(),
            ledger: InventoryLedger(hosts: 1, board: board), defaults: CurrentDefaults(InstanceDefaults()),
            clock: ContinuousClock(), report: report(uri: daemon.uri))
        // The daemon has them for as long as somebody is connected.
        await keeper.run(.synchronise)
        let large = try daemon.file("large.xml", LargeNetwork.xml(named: "large", bridge: "virbr8"))
        try daemon.virsh("net-create", large)
        try daemon.virsh("net-create", daemon.file("small.xml", "<network><name>small</name><bridge name='virbr9'/></network>"))
        for _ in 0..<2 {
            await keeper.run(.synchronise)
            #expect(board.snapshot.bridges["small"] == "virbr9")
            #expect(board.snapshot.bridges["large"] == nil)
        }
        #expect(lines.take() == ["large"], "once")
        try daemon.virsh("net-destroy", "large")
        await keeper.run(.synchronise)
        #expect(lines.take() == [])
        // One that grows keeps its bridge for as long as it is active.
        let before = try daemon.file("before.xml", "<network><name>large</name><bridge name='virbr8'/></network>")
        try daemon.virsh("net-create", before)
        await keeper.run(.synchronise)
        try daemon.virsh("net-destroy", "large")
        try daemon.virsh("net-create", large)
        await keeper.run(.synchronise)
        #expect(lines.take() == ["large"] && board.snapshot.bridges["large"] == "virbr8")
        try daemon.virsh("net-destroy", "large")
        await keeper.run(.synchronise)
        #expect(board.snapshot.bridges["large"] == nil)
    }
}
