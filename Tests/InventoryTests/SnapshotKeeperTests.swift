import Common
import Description
import Foundation
import Libvirt
import Logging
import TestSupport
import Testing

@testable import Inventory

/// The keeper with libvirt's test driver inside this process (https://libvirt.org/drvtest.html); tasks come only from the test.
@Suite(.timeLimit(.minutes(1)))
final class SnapshotKeeperTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString).xml").path
    private let hypervisor: Hypervisor
    private let queue = TaskQueue()
    private let board = SnapshotBoard()
    private var keeper: SnapshotKeeper<ContinuousClock>

    init() throws {
        try Self.node.write(toFile: path, atomically: true, encoding: .utf8)
        let uri = "test://" + path
        // It may write, so that the test can change domains; without events.
        hypervisor = Hypervisor(uri: uri, access: .writing) { _ in }
        let logger = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
        keeper = SnapshotKeeper(
            hypervisor: hypervisor, host: .local, edited: false, queue: queue, ledger: InventoryLedger(hosts: 1, board: board),
            defaults: CurrentDefaults(InstanceDefaults()), clock: ContinuousClock(),
            report: InventoryReport(
                uri: uri, isLocal: true, health: HypervisorHealth(uri: uri, host: .local), logger: logger))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func domain(_ number: Int) throws -> InstanceUUID {
        try #require(InstanceUUID("7b1c4a5e-0000-4000-8000-00000000000\(number)"))
    }

    private func ids() -> [String] { board.snapshot.all.map(\.instance.names.id).sorted() }

    /// Changes the domains' metadata; no event reports it.
    private func edit() async throws {
        for number in 1...3 {
            let change = try await hypervisor.setMetadata(
                to: "<instance><instance-id>i-new\(number)</instance-id></instance>", namespace: "urn:virt-metadata:instance:1",
                prefix: "vm", ofDomain: Self.domain(number)
            ) { _ in true }
            try #require(change == .made)
        }
    }

    @Test func `an event of a network that has not changed, or is not active, has no domain read again`() async throws {
        await keeper.run(.synchronise)
        #expect(ids() == ["i-old1", "i-old2", "i-old3"])
        try await edit()
        for name: LibvirtName in ["guests", "away", "unused"] { await keeper.run(.read(.network(name: name))) }
        #expect(queue.next() == nil)
        #expect(ids() == ["i-old1", "i-old2", "i-old3"])
        await keeper.run(.read(.domain(try Self.domain(1))))
        #expect(ids() == ["i-new1", "i-old2", "i-old3"])
    }

    @Test func `domains that name a network are assembled again once it is known, each by a task of its own`() async throws {
        try await hypervisor.connect()
        for number in 1...3 { await keeper.run(.read(.domain(try Self.domain(number)))) }
        #expect(board.snapshot.instance(of: try Self.domain(2))?.interfaces.first?.lacksNetworkXML == true)
        await keeper.run(.read(.network(name: "guests")))
        #expect(board.snapshot.instance(of: try Self.domain(2))?.interfaces.first?.lacksNetworkXML == true)
        let task = try #require(queue.next())
        #expect(task == .read(.attachedDomain(try Self.domain(2))))
        #expect(queue.next() == nil)
        await keeper.run(task)
        let reserved = try #require(IPAddress("192.0.2.7"))
        #expect(board.snapshot.instance(of: try Self.domain(2))?.interfaces.first?.reservations == [reserved])
    }

    @Test func `reading everything does not wait until no tasks are left`() async throws {
        for number in 0..<10 { queue.add(.read(.network(name: LibvirtName("unused\(number)")))) }
        await keeper.run(.synchronise)
        #expect(board.snapshot.isComplete)
        let waiting = sequence(state: queue) { $0.next() }
        #expect(Array(waiting).count == 5, "one task was performed with each of two networks and three domains")
    }

    @Test func `a network whose bridge has a name that might be taken for another has no bridge`() async {
        await keeper.run(.synchronise)
        #expect(board.snapshot.bridges == ["guests": "virbr9"])
    }

    private static func domain(_ number: Int, _ source: String) -> String {
        """
        <domain type='test'>
          <name>guest\(number)</name>
          <uuid>7b1c4a5e-0000-4000-8000-00000000000\(number)</uuid>
          <metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1'>
            <vm:instance-id>i-old\(number)</vm:instance-id>
          </vm:instance></metadata>
          <memory unit='MiB'>64</memory>
          <os><type>hvm</type></os>
          <devices><interface \(source)/><mac address='52:54:00:00:00:0\(number)'/></interface></devices>
        </domain>
        """
    }

    private static let node = """
        <node>
          \(domain(1, "type='bridge'><source bridge='br0'"))
          \(domain(2, "type='network'><source network='guests'"))
          \(domain(3, "type='network'><source network='away'"))
          <network>
            <name>guests</name>
            <bridge name='virbr9'/>
            <ip address='192.0.2.1' netmask='255.255.255.0'><dhcp><host mac='52:54:00:00:00:02' ip='192.0.2.7'/></dhcp></ip>
          </network>
          <network><name>strange</name><bridge name='virbr\u{212A}'/></network>
        </node>
        """
}
