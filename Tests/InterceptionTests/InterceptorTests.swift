import Common
import Dispatch
import Foundation
import Guests
import Logging
import Synchronization
import Testing

@testable import Interception
@testable import Netlink

/// The order of a plan's steps, and the effects of a failed step.
struct InterceptorTests {
    private typealias Examples = InterceptionExamples
    private static let card = "tap1 00:00:00:00:00:01"
    private static let other = "tap1 any"

    private let board = SnapshotBoard()
    private let host: RecordedHost

    init() throws {
        host = try RecordedHost()
        board.publish(Examples.snapshot(Self.web))
    }

    private static var web: Instance { Examples.instance(1, "web", .init(1, tap: "tap1")) }

    private func interceptor(
        on host: RecordedHost? = nil, ports: ClosedRange<UInt16> = 61000...65535,
        selection: BridgeSelection = BridgeSelection(bridges: ["br0"]), status: BridgeStatusBoard = BridgeStatusBoard(),
        guardsPorts: Bool = true
    ) throws -> Interceptor {
        let host = host ?? self.host
        var settings = InterceptionSettings()
        settings.selection = selection
        settings.listenerPorts = ports
        settings.guardsPorts = guardsPorts
        return Interceptor(
            settings, file: try InstalledStateFile(directory: host.directory.path), host: host, board: board, status: status,
            reread: { domains in host.state.withLock { $0.rereads.append(domains) } },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Whether the rules lead to as many ports, each recorded before.
    private func leads(_ event: RecordedHost.Event?, to count: Int) -> Bool {
        guard case .rules(let ports, let isRecorded) = event else { return false }
        return ports.count == count && isRecorded
    }

    @Test func `everything is recorded before it is installed, and rules come before their sockets`() async throws {
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        let events = host.takeEvents()
        try #require(events.count == 5, "\(events)")
        #expect(leads(events[0], to: 0), "closed for all, before anything listens")
        #expect(events[1] == .added(MetadataAddress.v4, isRecorded: true))
        #expect(events[2...3] == [.listened(Self.card, ofRun: 0), .listened(Self.other, ofRun: 0)])
        #expect(leads(events[4], to: 2))
        // Nothing has changed.
        await interceptor.reconcile(networkChanged: true)
        #expect(host.takeEvents().isEmpty)
    }

    @Test(arguments: [true, false]) func `a port that no rule can name is set down where ports are guarded`(guardsPorts: Bool)
        async throws
    {
        host.state.withLock { $0.links.append(Examples.tap("tap\\2", 12)) }
        let interceptor = try interceptor(guardsPorts: guardsPorts)
        await interceptor.reconcile(networkChanged: true)
        #expect(host.takeEvents().contains(.tookDown(12)) == guardsPorts)
    }

    @Test func `without rules nothing listens`() async throws {
        host.state.withLock { $0.refusesRules = true }
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        #expect(!host.takeEvents().contains { if case .listened = $0 { true } else { false } })
        host.state.withLock { $0.refusesRules = false }
        await interceptor.reconcile(networkChanged: false)
        let events = host.takeEvents()
        #expect(leads(events.first, to: 0) && leads(events.last, to: 2) && events.count == 4, "\(events)")
    }

    @Test func `an address that cannot be added is removed from the record, and not answered`() async throws {
        host.state.withLock { $0.refusedAddresses = [MetadataAddress.v4] }
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        #expect(host.takeEvents().contains(.added(MetadataAddress.v4, isRecorded: true)))
        #expect(host.recorded.addresses.isEmpty && host.recorded.bridges == ["br0"])
        #expect(await interceptor.served["br0"]?.answered == [])
    }

    @Test func `without a record nothing is installed`() async throws {
        // A directory at the record's path.
        let obstacle = host.directory.appending(path: "owned.json.new/in-the-way")
        try FileManager.default.createDirectory(at: obstacle, withIntermediateDirectories: true)
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        #expect(host.takeEvents().isEmpty)
        try FileManager.default.removeItem(at: obstacle.deletingLastPathComponent())
        await interceptor.reconcile(networkChanged: true)
        #expect(leads(host.takeEvents().first, to: 0))
    }

    @Test func `a foreign table is kept, unless the record was lost`() async throws {
        host.state.withLock { $0.comments = ["inet": RuleTable.comment] }
        await (try interceptor()).reconcile(networkChanged: true)
        #expect(host.takeEvents() == [.added(MetadataAddress.v4, isRecorded: true)])
        try Data("{".utf8).write(to: host.directory.appending(path: "owned.json"))
        await (try interceptor()).reconcile(networkChanged: true)
        #expect(leads(host.takeEvents().first, to: 0))
        // A foreign one has another comment.
        try Data("{".utf8).write(to: host.directory.appending(path: "owned.json"))
        host.state.withLock { $0.comments["inet"] = "the operator's" }
        await (try interceptor()).reconcile(networkChanged: true)
        #expect(!host.takeEvents().contains { if case .rules = $0 { true } else { false } })
    }

    @Test func `when a run ends its connections end and its sockets close, before the next run has others`() async throws {
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        let before = Set(await interceptor.portSockets.keys)
        _ = host.takeEvents()
        board.publish(Examples.snapshot(Examples.instance(2, "next", .init(1, tap: "tap1"))))
        await interceptor.reconcile(networkChanged: false)
        let events = host.takeEvents()
        // One rule set for the new owner, with the old sockets; then the closing; then the new ones.
        let closed = try #require(events.firstIndex { if case .closed = $0 { true } else { false } })
        let listened = try #require(events.firstIndex { if case .listened = $0 { true } else { false } })
        #expect(closed + 2 == listened)
        #expect(Set(events[closed..<listened]) == [.closed("\(Self.card) 1"), .closed("\(Self.other) 1")])
        #expect(events[listened...].prefix(2) == [.listened(Self.card, ofRun: 0), .listened(Self.other, ofRun: 0)])
        #expect(leads(events.last, to: 2))
        #expect(before.isDisjoint(with: await interceptor.portSockets.keys), "no number is given to another run at once")
    }

    @Test func `a recreated tap belongs to nobody until its domain was read again, which is asked for once`() async throws {
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        #expect(host.state.withLock(\.rereads).isEmpty, "it was there before the domain was read")
        _ = host.takeEvents()
        host.state.withLock { $0.links[1] = Examples.tap("tap1", 12) }
        await interceptor.reconcile(networkChanged: true)
        let events = host.takeEvents()
        #expect(Set(events.filter { if case .closed = $0 { true } else { false } }).count == 2)
        #expect(events.contains(.listened(Self.other, ofRun: 0)) && !events.contains(.listened(Self.card, ofRun: 0)))
        await interceptor.reconcile(networkChanged: true)
        #expect(host.state.withLock(\.rereads) == [[Self.web.domain]])
        // What asks there now is nobody's guest, though the domain is still believed to run.
        let scope = try #require(await interceptor.portSockets.values.first?.scope)
        let client = Client(
            address: IPAddress(v4: 1), mac: MACAddress(bits: 1), entrance: .port("tap1", bridge: "br0", since: scope.since))
        #expect(throws: MatchFailure.unreadPort("tap1", ["web"])) { try board.snapshot.match(client).get() }
        board.publish(Examples.snapshot(Self.web))
        await interceptor.reconcile(networkChanged: false)
        #expect(await interceptor.served["br0"]?.listeners[.init(index: 12, mac: MACAddress(bits: 1))] != nil)
        #expect(try board.snapshot.match(client).get().instance.name == "web")
        #expect(host.state.withLock(\.rereads).count == 1)
    }

    @Test func `a tap that appears after the look that precedes all reads is a new one`() async throws {
        let interceptor = try interceptor()
        host.state.withLock { $0.links = [Examples.bridge()] }
        await interceptor.lookAtLinks()
        board.publish(Examples.snapshot(Self.web))
        host.state.withLock { $0.links.append(Examples.tap("tap1", 11)) }
        await interceptor.reconcile(networkChanged: true)
        #expect(host.state.withLock(\.rereads) == [[Self.web.domain]])
        #expect(await interceptor.portSockets.count == 1)
    }

    @Test func `a newly known domain takes over its guest's socket, with its connections`() async throws {
        board.publish(Examples.snapshot())
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        let before = Set(await interceptor.portSockets.keys)
        #expect(before.count == 1)
        _ = host.takeEvents()
        board.publish(Examples.snapshot(Self.web))
        await interceptor.reconcile(networkChanged: false)
        #expect(!host.takeEvents().contains { if case .closed = $0 { true } else { false } })
        #expect(await interceptor.served["br0"]?.listeners[.init(index: 11, mac: MACAddress(bits: 1))] == before.first)
        #expect(await interceptor.portSockets.count == 2)
    }

    @Test func `all sockets of a port share its limit on connections, also those opened later`() async throws {
        host.state.withLock { $0.links.append(Examples.tap("tap2", 12)) }
        board.publish(Examples.snapshot())
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        board.publish(Examples.snapshot(Self.web))
        await interceptor.reconcile(networkChanged: false)
        let sockets = await interceptor.portSockets.values.map(\.scope)
        #expect(sockets.map(\.port).sorted() == ["tap1", "tap1", "tap2"])
        let rates = Dictionary(grouping: sockets, by: \.port).mapValues { scopes in
            Set(scopes.map { $0.connectionRate.map(ObjectIdentifier.init) })
        }
        #expect(rates["tap1"]?.count == 1 && rates["tap1"]?.contains(nil) == false)
        #expect(rates["tap1"] != rates["tap2"])
    }

    @Test func `unguarded ports have no limit on connections`() async throws {
        let interceptor = try interceptor(guardsPorts: false)
        await interceptor.reconcile(networkChanged: true)
        let sockets = await interceptor.portSockets.values.map(\.scope)
        #expect(sockets.count == 2 && sockets.allSatisfy { $0.connectionRate == nil })
    }

    @Test func `no port is used that is in use, or that the kernel still sends from`() async throws {
        host.state.withLock { $0.taken = [61000, 61002] }
        let interceptor = try interceptor(ports: 61000...61003)
        await interceptor.reconcile(networkChanged: true)
        #expect(Set(await interceptor.portSockets.keys) == [61001, 61003])
        // No port is left for a second tap.
        host.state.withLock { $0.links.append(Examples.tap("tap2", 12)) }
        await interceptor.reconcile(networkChanged: true)
        #expect(await interceptor.portSockets.count == 2)
        host.state.withLock { $0.taken = [61000] }
        await interceptor.reconcile(networkChanged: true)
        #expect(Set(await interceptor.portSockets.keys) == [61001, 61002, 61003])
    }

    @Test func `a recreated bridge loses its sockets and its record, and is served again`() async throws {
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        _ = host.takeEvents()
        host.state.withLock { state in
            state.links = [Examples.bridge("br0", 8), Examples.tap("tap1", 11, in: 8)]
            state.addresses = []
        }
        await interceptor.reconcile(networkChanged: true)
        let events = host.takeEvents()
        #expect(Set(events.prefix(2)) == [.closed("\(Self.card) 1"), .closed("\(Self.other) 1")])
        #expect(leads(events.dropFirst(2).first, to: 0))
        #expect(host.recorded.addresses.map(\.bridge.index) == [8])
        #expect(await interceptor.portSockets.count == 2)
    }

    // MARK: Enabled domains

    @Test func `nothing is touched before a domain is enabled, nor left when the last one has stopped`() async throws {
        let status = BridgeStatusBoard()
        let interceptor = try interceptor(selection: BridgeSelection(), status: status)
        #expect(await interceptor.reconcile(networkChanged: true) == nil)
        #expect(host.takeEvents().isEmpty && host.recorded == InstalledState() && status.bridges.isEmpty)
        // `set` on the running domain.
        board.publish(Examples.snapshot(Examples.enabled(1, "web", .init(1, tap: "tap1"))))
        await interceptor.reconcile(networkChanged: false)
        #expect(leads(host.takeEvents().last, to: 2))
        let served = try #require(status.bridges.first)
        #expect(served.name == "br0" && served.since != nil && served.interfaces == 1 && served.enabledDomains == 1)
        #expect("\(served.source)" == "domain web (<instance> element)")
        // A domain that is not enabled is served on it too, but does not keep it.
        let bare = Examples.instance(2, "bare", .init(2, tap: "tap2"))
        host.state.withLock { $0.links.append(Examples.tap("tap2", 12)) }
        await interceptor.reconcile(networkChanged: true)
        board.publish(Examples.snapshot(Examples.enabled(1, "web", .init(1, tap: "tap1")), bare))
        await interceptor.reconcile(networkChanged: false)
        #expect(await interceptor.portSockets.count == 4)
        _ = host.takeEvents()
        board.publish(Examples.snapshot(bare))
        let delay = try #require(await interceptor.reconcile(networkChanged: false))
        let events = host.takeEvents()
        #expect(events.dropLast().allSatisfy { if case .closed = $0 { true } else { false } } && events.count == 5, "\(events)")
        // Closed for all until the connections have ended.
        #expect(leads(events.last, to: 0) && host.recorded.bridges == ["br0"] && status.bridges.isEmpty)
        await interceptor.reconcile(networkChanged: false)
        #expect(host.takeEvents().isEmpty)
        try await Task.sleep(for: delay)
        await interceptor.reconcile(networkChanged: false)
        #expect(host.takeEvents() == [.removed(MetadataAddress.v4), .tablesRemoved])
        #expect(host.recorded == InstalledState())
        await interceptor.end()
        #expect(host.takeEvents().isEmpty)
    }

    @Test func `a domain that starts again before its bridge is opened is served as before`() async throws {
        let web = Examples.enabled(1, "web", .init(1, tap: "tap1"))
        board.publish(Examples.snapshot(web))
        let interceptor = try interceptor(selection: BridgeSelection())
        await interceptor.reconcile(networkChanged: true)
        board.publish(Examples.snapshot())
        let delay = try #require(await interceptor.reconcile(networkChanged: false))
        board.publish(Examples.snapshot(web))
        await interceptor.reconcile(networkChanged: false)
        #expect(leads(host.takeEvents().last, to: 2))
        try await Task.sleep(for: delay)
        await interceptor.reconcile(networkChanged: false)
        #expect(host.takeEvents().isEmpty && host.recorded.bridges == ["br0"])
    }

    @Test func `a bridge that an earlier server left stays closed for as long as that server's packets may be sent`() async throws
    {
        var state = InstalledState()
        (state.bridges, state.tables) = (["br0"], Set(RuleSet.families))
        try Data(state.bytes).write(to: host.directory.appending(path: "owned.json"))
        let interceptor = try interceptor(selection: BridgeSelection())
        await interceptor.reconcile(networkChanged: true)
        #expect(leads(host.takeEvents().last, to: 0) && host.recorded.bridges == ["br0"])
        let opening = try #require(await interceptor.closed["br0"])
        #expect(ContinuousClock.now.duration(to: opening) > .seconds(100))
    }

    @Test func `at the end new connections are dropped, and nothing is installed any more`() async throws {
        let interceptor = try interceptor()
        await interceptor.reconcile(networkChanged: true)
        _ = host.takeEvents()
        await interceptor.end()
        let applied = await interceptor.applied?.rules.netdev.chains["http_11"]?.rules ?? []
        #expect(applied.contains("@th,104,8 & 0x12 == 0x02 counter name not_served drop"))
        #expect(host.takeEvents().count == 1)
        host.state.withLock { $0.links.append(Examples.tap("tap2", 12)) }
        await interceptor.reconcile(networkChanged: true)
        #expect(host.takeEvents().isEmpty)
    }

    @Test func `a removed address that may not be added yet is looked at again when it may`() async throws {
        let interceptor = try interceptor()
        #expect(await interceptor.reconcile(networkChanged: true) == nil)
        let remove = { host.state.withLock { $0.addresses = [] } }
        remove()
        #expect(await interceptor.reconcile(networkChanged: true) == nil)
        #expect(host.takeEvents().contains(.added(MetadataAddress.v4, isRecorded: true)))
        remove()
        let delay = try #require(await interceptor.reconcile(networkChanged: true))
        #expect(delay > .zero && delay <= BridgePlan.restoringInterval)
        #expect(!host.takeEvents().contains(.added(MetadataAddress.v4, isRecorded: true)))
    }

    @Test func `an earlier version's bridge option is restored once, and removed from the record`() async throws {
        var state = InstalledState()
        state.learning = [.init(name: "br0", index: 7)]
        try Data(state.bytes).write(to: host.directory.appending(path: "owned.json"))
        let interceptor = try interceptor()
        for _ in 0..<2 { await interceptor.reconcile(networkChanged: true) }
        #expect(host.takeEvents().filter { $0 == .learning }.count == 1)
        #expect(host.recorded.learning.isEmpty)
    }

    @Test func `while the kernel blocks it, other tasks continue`() async throws {
        // More than the cooperative pool has threads where tests run.
        let count = 50
        let (signal, waiting) = (DispatchSemaphore(value: 0), Counter())
        let hosts = try (0..<count).map { _ in
            try RecordedHost {
                waiting.value.add(1, ordering: .relaxed)
                _ = signal.wait(timeout: .now() + 10)
            }
        }
        let interceptors = try hosts.map { try interceptor(on: $0) }
        await withDiscardingTaskGroup { tasks in
            for interceptor in interceptors { tasks.addTask { await interceptor.end() } }
            let start = ContinuousClock.now
            while waiting.value.load(ordering: .relaxed) < count { await Task.yield() }
            #expect(start.duration(to: .now) < .seconds(9))
            for _ in 0..<count { signal.signal() }
        }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }
}
