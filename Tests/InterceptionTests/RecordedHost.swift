import Common
import Foundation
import Guests
import NFTables
import NIOCore

@testable import Interception
@testable import Netlink

/// A fake host: it records each call with the content of the record on disk at that moment, and fails the calls that a test wants
/// to fail.
final class RecordedHost: InterceptionHost, RuleTables {
    /// The recorded calls.
    enum Event: Hashable {
        /// Rules were written, which lead to these ports.
        case rules(leadingTo: Set<UInt16>, isRecorded: Bool)
        /// The tables were removed.
        case tablesRemoved
        case added(IPAddress, isRecorded: Bool)
        case removed(IPAddress)
        case learning
        case tookDown(Int32)
        case listened(String, ofRun: Int)
        case closed(String)
    }

    struct State {
        var links: [Link] = []
        var addresses: [LinkAddress] = []
        var events: [Event] = []
        /// The domains that were to be read again, a set for each call.
        var rereads: [Set<InstanceUUID>] = []
        /// What the kernel refuses.
        var refusesRules = false
        var refusedAddresses: Set<IPAddress> = []
        /// The tables that there are, with their comments.
        var comments: [String: String] = [:]
        /// The numbers that cannot be listened on.
        var taken: Set<UInt16> = []
        /// The marks of the sockets' ports, and how often their connections were ended.
        var scopes: [UInt16: PortScope] = [:]
    }

    let directory = FileManager.default.temporaryDirectory.appending(path: "interception-\(UUID().uuidString)")
    let state = Locked(State())
    /// Delays the kernel's answer.
    let gate: @Sendable () -> Void

    init(gate: @escaping @Sendable () -> Void = {}) throws {
        self.gate = gate
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        state.withLock { $0.links = [InterceptionExamples.bridge(), InterceptionExamples.tap("tap1", 11)] }
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// The events since the last call.
    func takeEvents() -> [Event] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    private func note(_ event: Event) { state.withLock { $0.events.append(event) } }

    /// The content of the record on disk.
    var recorded: InstalledState {
        let bytes = (try? Data(contentsOf: directory.appending(path: "owned.json"))).map(Array.init) ?? []
        return (try? InstalledState(bytes)) ?? InstalledState()
    }

    // MARK: Links and addresses

    let hasIPv6 = true

    func network() throws(KernelError) -> HostNetwork {
        gate()
        return state.withLock { HostNetwork(links: $0.links, addresses: $0.addresses) }
    }

    func use(except bridges: Set<Int32>) throws(KernelError) -> String? { nil }
    func isIPv6Disabled(onBridge name: String) throws(KernelError) -> Bool { true }

    func add(_ address: LinkAddress) throws(KernelError) {
        let isRecorded = recorded.addresses.contains { $0.address == address.address && $0.bridge.index == address.interface }
        note(.added(address.address, isRecorded: isRecorded))
        if state.withLock({ $0.refusedAddresses.contains(address.address) }) {
            throw KernelError(.notPermitted, in: "RTM_NEWADDR")
        }
        state.withLock { $0.addresses.append(address) }
    }

    func remove(_ address: LinkAddress) throws(KernelError) {
        note(.removed(address.address))
        state.withLock { $0.addresses.removeAll { $0.address == address.address && $0.interface == address.interface } }
    }
    func startLearningFromLinkLocal(onBridge index: Int32) throws(KernelError) { note(.learning) }

    func takeDown(_ index: Int32) throws(KernelError) { note(.tookDown(index)) }

    // MARK: Sockets

    func portsInUse() throws(KernelError) -> Set<UInt16> { state.withLock(\.taken) }

    func listen(on address: SocketAddress, of listenScope: ListenScope) async throws(ListenError) -> ListeningSocket {
        guard case .port(let scope) = listenScope, let port = address.port.flatMap(UInt16.init) else {
            throw ListenError(address: address, scope: listenScope, cause: KernelError(.notSupported, in: "listen"))
        }
        let name = "\(scope.port) \(scope.mac.map(\.description) ?? "any")"
        state.withLock { $0.scopes[port] = scope }
        note(.listened(name, ofRun: scope.generation))
        return ListeningSocket { [self] in note(.closed("\(name) \(scope.generation)")) }
    }

    // MARK: Rules

    var tables: (any RuleTables)? { self }

    func run(_ commands: String) throws(NFTablesError) {
        guard commands.contains("chain") else {
            note(.tablesRemoved)
            return state.withLock { $0.comments = [:] }
        }
        let leading = Set(commands.matches(of: /tcp dport set (\d+)/).compactMap { UInt16($0.1) })
        let (tables, bridges) = (recorded.tables, recorded.bridges)
        note(.rules(leadingTo: leading, isRecorded: tables == Set(RuleSet.families) && bridges == ["br0"]))
        if state.withLock(\.refusesRules) { throw NFTablesError(message: "no", code: .notPermitted) }
        state.withLock { for family in RuleSet.families { $0.comments[family] = RuleTable.comment } }
    }

    func exists(table: String, family: String) throws(NFTablesError) -> Bool { state.withLock { $0.comments[family] != nil } }
    func comment(ofTable table: String, family: String) throws(NFTablesError) -> String? {
        state.withLock { $0.comments[family] }
    }
    func packets(ofCounter counter: String, table: String, family: String) throws(NFTablesError) -> UInt64? { 0 }
}
