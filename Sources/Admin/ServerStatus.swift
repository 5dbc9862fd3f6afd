package import Common
import FoundationEssentials
import Glibc
package import Interception
package import Inventory
import JSON

/// The state of the running server, as `status` and the service manager show it.
package struct ServerStatus: Sendable {
    package let board: SnapshotBoard
    package let hypervisors: @Sendable () -> [HypervisorStatus]
    /// The bridges; `nil` where the server serves none, but only its listen addresses.
    package let bridges: BridgeStatusBoard?
    package let selection: BridgeSelection
    package let lastError: LastError
    private let started = (date: Date(), instant: ContinuousClock.now)

    package init(
        board: SnapshotBoard, hypervisors: @escaping @Sendable () -> [HypervisorStatus], bridges: BridgeStatusBoard?,
        selection: BridgeSelection, lastError: LastError
    ) {
        (self.board, self.hypervisors, self.bridges) = (board, hypervisors, bridges)
        (self.selection, self.lastError) = (selection, lastError)
    }

    /// Why guests do not get all metadata yet; `nil` where they do.
    package var problem: String? {
        let snapshot = board.snapshot
        let missing = hypervisors().compactMap { status -> String? in
            guard status.synchronised == nil, status.host.isLocal || !snapshot.isRemoteComplete else { return nil }
            let reason = status.problem.map { ": \($0)" } ?? ""
            return "the domains of \(status.uri) have not all been read yet\(reason)"
        }
        guard missing.isEmpty else { return missing.joined(separator: "; ") }
        return snapshot.isComplete ? nil : "the inventory is not complete yet"
    }

    /// One line for people.
    package var summary: String {
        if let problem { return "Not ready: \(problem.cleaned())" }
        let guests = Self.count(board.snapshot.count, "guest")
        guard let bridges else { return "Serving \(guests)" }
        let served = bridges.bridges.filter { $0.since != nil }
        guard !served.isEmpty else {
            return selection.isOptIn
                ? "No bridge served: no running domain is enabled (see virt-metadata enable)"
                : "No bridge served: no selected bridge exists yet"
        }
        let names = served.prefix(Self.mostNames).map(\.name) + (served.count > Self.mostNames ? ["…"] : [])
        return "Serving \(Self.count(served.count, "bridge")) (\(names.joined(separator: ", "))), \(guests) known"
    }

    /// How many bridges are named in one line.
    private static let mostNames = 5

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// All of it for programs; docs/admin.md describes the members.
    var json: JSONValue {
        let problem = problem
        return .object([
            JSONMember("running", .bool(true)), JSONMember("ready", .bool(problem == nil)),
            JSONMember("summary", .string(summary)), JSONMember("problem", problem.map(JSONValue.string) ?? .null),
            JSONMember("version", .string(Version.current)), JSONMember("pid", .integer(Int64(getpid()))),
            JSONMember("started", .string(Self.text(started.date))),
            JSONMember("uptime", .real((ContinuousClock.now - started.instant) / .seconds(1))),
            JSONMember("guests", .integer(Int64(board.snapshot.count))),
            JSONMember("selection", .string(selectionText)),
            JSONMember("hypervisors", .array(hypervisors().map(json))),
            JSONMember("bridges", .array((bridges?.bridges ?? []).map(Self.json))),
            JSONMember("last_error", lastError.event.map(Self.json) ?? .null),
        ])
    }

    /// Which bridges the settings select.
    private var selectionText: String {
        guard bridges != nil else { return "none" }
        if selection.servesAll { return "all" }
        return selection.isOptIn ? "enabled" : "listed"
    }

    private func json(_ status: HypervisorStatus) -> JSONValue {
        .object([
            JSONMember("uri", .string(status.uri)), JSONMember("connected", .bool(status.isConnected)),
            JSONMember(
                "read",
                status.synchronised.map { .string(Self.text(started.date + ($0 - started.instant) / .seconds(1))) } ?? .null),
            JSONMember("error", status.problem.map(JSONValue.string) ?? .null),
        ])
    }

    private static func json(_ bridge: BridgeStatus) -> JSONValue {
        var (setting, domain, uuid, entry): (String?, String?, String?, String?)
        switch bridge.source {
        case .network, .domain, .earlierDomain: setting = "network"
        case .option: setting = "bridge"
        case .enabledDomain(let id, let name, let enablement): (domain, uuid, entry) = (name, "\(id)", "\(enablement)")
        }
        return .object([
            JSONMember("name", .string(bridge.name)), JSONMember("served", .bool(bridge.since != nil)),
            JSONMember("since", bridge.since.map { .string(text($0)) } ?? .null),
            JSONMember("by", .string("\(bridge.source)")), JSONMember("setting", setting.map(JSONValue.string) ?? .null),
            JSONMember("domain", domain.map(JSONValue.string) ?? .null), JSONMember("uuid", uuid.map(JSONValue.string) ?? .null),
            JSONMember("entry", entry.map(JSONValue.string) ?? .null), JSONMember("interception", .string(bridge.mode)),
            JSONMember("addresses", .array(bridge.addresses.map(JSONValue.string))), JSONMember("guard", .bool(bridge.isGuarded)),
            JSONMember("interfaces", .integer(Int64(bridge.interfaces))),
            JSONMember("enabled_domains", .integer(Int64(bridge.enabledDomains))),
        ])
    }

    private static func json(_ event: LastError.Event) -> JSONValue {
        .object([JSONMember("time", .string(text(event.time))), JSONMember("message", .string(event.text))])
    }

    private static func text(_ date: Date) -> String { date.formatted(.iso8601) }
}
