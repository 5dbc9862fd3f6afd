import Common
import FoundationEssentials
package import Guests
import Inventory
import NIOCore
import NIOHTTP1

/// Turns an operator's request into its reply: the known instances, and the server's health.
package struct AdminResponder: Sendable {
    /// The paths that a socket serves.
    enum Scope {
        /// All, over the Unix socket.
        case everything
        /// Metrics and health, over TCP: nothing about any instance.
        case health
    }

    package let responder: GuestResponder
    package let status: ServerStatus
    /// Its threads serve guests.
    package let listener: GuestListener

    package init(responder: GuestResponder, status: ServerStatus, listener: GuestListener) {
        (self.responder, self.status, self.listener) = (responder, status, listener)
    }

    /// How long a thread may take to respond.
    private static let turnTimeout = TimeAmount.seconds(2)

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - target: the path, and a query if it has one.
    ///   - loop: the admin interface's own.
    func respond(to target: String, within scope: Scope, on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        let (path, query) = Self.parts(of: target)
        switch (path, scope) {
        case (["healthz"], _): return health(on: loop)
        case (["readyz"], _): return loop.makeSucceededFuture(readiness)
        case (["metrics"], _):
            return loop.makeSucceededFuture(
                AdminReply(Array(responder.events.watch.metrics.registry.text.utf8), type: PrometheusRegistry.mediaType))
        case (["status"], .everything): return loop.makeSucceededFuture(AdminReply(status.json))
        case (["instances"], .everything): return loop.makeSucceededFuture(instances)
        case (let path, .everything) where path.count == 3 && path[0] == "instances":
            return about(path[1], path[2], query, on: loop)
        default:
            let paths = (scope == .everything ? "/status, /instances, " : "") + "/healthz, /readyz, /metrics"
            return loop.makeSucceededFuture(.failure(.notFound, "unknown endpoint; expected one of \(paths)"))
        }
    }

    // MARK: Health

    /// Whether every thread that serves guests responds.
    private func health(on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        let promise = loop.makePromise(of: AdminReply.self)
        // The first result counts; the later one is ignored.
        let timeout = loop.scheduleTask(in: Self.turnTimeout) {
            promise.fail(BlockedThread())
        }
        listener.whenAllTurned {
            timeout.cancel()
            promise.succeed(AdminReply(.object([JSONMember("status", .string("ok"))])))
        }
        return promise.futureResult.recover { _ in
            .failure(.serviceUnavailable, "a thread that serves guests has not responded for 2 s")
        }
    }

    private struct BlockedThread: Error {}

    /// Whether guests get all metadata.
    private var readiness: AdminReply {
        if let problem = status.problem { return .failure(.serviceUnavailable, problem) }
        return AdminReply(
            .object([
                JSONMember("status", .string("ready")), JSONMember("instances", .integer(Int64(responder.board.snapshot.count))),
                JSONMember("hypervisors", .array(status.hypervisors().map(Self.json))),
            ]))
    }

    private static func json(_ status: HypervisorStatus) -> JSONValue {
        .object([
            JSONMember("uri", .string(status.uri)), JSONMember("connected", .bool(status.isConnected)),
            JSONMember("problem", status.problem.map(JSONValue.string) ?? .null),
        ])
    }

    // MARK: Instances

    private var instances: AdminReply {
        let all = responder.board.snapshot.all.sorted {
            ($0.instance.domainName, $0.host.index) < ($1.instance.domainName, $1.host.index)
        }
        let uris = status.hypervisors().map(\.uri)
        return AdminReply(.object([JSONMember("instances", .array(all.map { document($0, uris).json }))]))
    }

    private typealias FoundInstance = (instance: Instance, host: HostNumber, isPaused: Bool)

    private func document(_ match: FoundInstance, _ uris: [String]) -> InstanceDocument {
        InstanceDocument(
            instance: match.instance, isPaused: match.isPaused,
            hypervisor: uris.indices.contains(match.host.index) ? uris[match.host.index] : "",
            journal: responder.events.watch.journal)
    }

    private func about(
        _ name: String, _ child: String, _ query: [String: String], on loop: any EventLoop
    ) -> EventLoopFuture<AdminReply> {
        let match: FoundInstance
        switch find(name) {
        case .success(let found): match = found
        case .failure(let failure): return loop.makeSucceededFuture(failure.reply)
        }
        switch child {
        case "requests": return loop.makeSucceededFuture(AdminReply(document(match, status.hypervisors().map(\.uri)).requests))
        case "get":
            guard let target = query["path"], target.hasPrefix("/") else {
                return loop.makeSucceededFuture(
                    .failure(.badRequest, "path must start with '/', e.g. /latest/meta-data/"))
            }
            return read(target, match, on: loop)
        default: return loop.makeSucceededFuture(.failure(.notFound, "unknown endpoint of an instance; expected get or requests"))
        }
    }

    private func read(_ target: String, _ match: FoundInstance, on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        let response = responder.respond(to: GuestRequest(reading: target), from: .admin(asking: match.instance, on: match.host))
        if let note = response.note { responder.events.note(note) }
        switch response.outcome {
        case .reply(let reply): return loop.makeSucceededFuture(.guests(reply))
        case .hold: return loop.makeSucceededFuture(.guests(.notFound))
        case .deferred(let deferral):
            let promise = loop.makePromise(of: AdminReply.self)
            deferral.perform { promise.succeed(.guests($0)) }
            return promise.futureResult
        }
    }

    private struct NotFound: Error {
        let reply: AdminReply
    }

    /// An instance by its domain's name or UUID, or by its own identifier.
    private func find(_ name: String) -> Result<FoundInstance, NotFound> {
        let snapshot = responder.board.snapshot
        // Not by a search: the doctor asks for each domain of the host.
        if let uuid = InstanceUUID(name), uuid.description == name, let found = snapshot.entry(of: uuid) {
            return .success(found)
        }
        let all = snapshot.all
        // In this order: an identifier that the author of another domain's XML may choose must not hide a name or a UUID.
        let ways: [(Instance) -> String] = [{ $0.domainName }, { $0.id }]
        let found =
            ways.lazy.map { way in all.filter { LibvirtName(way($0.instance)) == LibvirtName(name) } }.first { !$0.isEmpty } ?? []
        if let only = found.first, found.count == 1 { return .success(only) }
        guard found.isEmpty else {
            let names = found.map { "\($0.instance.domainName) (\($0.instance.domain))" }.joined(separator: " and ")
            return .failure(NotFound(reply: .failure(.conflict, "'\(name)' is ambiguous: \(names); use the UUID")))
        }
        let advice = nearestWord(to: name, among: all.map(\.instance.domainName)).map { "; did you mean '\($0)'?" } ?? ""
        let message = "no running domain '\(name)' is known to the server\(advice)"
        return .failure(NotFound(reply: .failure(.notFound, message)))
    }

    /// The components of a path and its query, each percent-decoded.
    private static func parts(of target: String) -> (path: [String], query: [String: String]) {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = halves[0].split(separator: "/").map(PercentEncoding.decoded)
        let pairs = (halves.count > 1 ? halves[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), PercentEncoding.decoded(sides.count > 1 ? sides[1] : ""))
        }
        return (path, Dictionary(pairs) { first, _ in first })
    }
}
