import Common
import FoundationEssentials
import Inventory
import NIOCore
import NIOHTTP1

/// From an operator's request to its reply: what the server knows, and how it is.
struct AdminResponder: Sendable {
    /// What a request may ask for.
    enum Scope {
        /// All, over the Unix socket.
        case everything
        /// Metrics and health, over TCP: nothing of any instance.
        case health
    }

    let responder: GuestResponder
    /// How it stands with the hypervisors.
    let hypervisors: @Sendable () -> [HypervisorStatus]
    /// The event loops that serve guests.
    let loops: any EventLoopGroup

    /// How long an event loop may take to say that it turns.
    private static let patience = TimeAmount.seconds(2)

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - target: the path, and a query if it has one.
    ///   - loop: the admin side's own.
    func respond(to target: String, within scope: Scope, on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        let (path, query) = Self.parts(of: target)
        switch (path, scope) {
        case (["healthz"], _): return health(on: loop)
        case (["readyz"], _): return loop.makeSucceededFuture(readiness)
        case (["metrics"], _):
            return loop.makeSucceededFuture(
                AdminReply(Array(responder.watch.metrics.registry.text.utf8), type: PrometheusRegistry.mediaType))
        case (["instances"], .everything): return loop.makeSucceededFuture(instances)
        case (let path, .everything) where path.count == 3 && path[0] == "instances":
            return about(path[1], path[2], query, on: loop)
        default:
            let places = scope == .everything ? "/instances, /healthz, /readyz and /metrics" : "/healthz, /readyz and /metrics"
            return loop.makeSucceededFuture(.failure(.notFound, "there is no such place here; there are \(places)"))
        }
    }

    // MARK: Health

    /// Whether every event loop turns.
    private func health(on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        let promise = loop.makePromise(of: AdminReply.self)
        // Whatever comes first counts; the other is too late, and says so to nobody.
        let timeout = loop.scheduleTask(in: Self.patience) {
            promise.fail(StandingLoop())
        }
        let turns = loops.makeIterator().map { $0.submit {} }
        EventLoopFuture.andAllSucceed(turns, on: loop).whenSuccess {
            timeout.cancel()
            promise.succeed(AdminReply(.object([JSONMember("status", .string("ok"))])))
        }
        return promise.futureResult.recover { _ in
            .failure(.serviceUnavailable, "an event loop has not turned for two seconds: guests wait")
        }
    }

    private struct StandingLoop: Error {}

    /// Whether guests get all that they should.
    private var readiness: AdminReply {
        let snapshot = responder.board.snapshot
        let missing = hypervisors().compactMap { status -> String? in
            guard status.synchronised == nil, status.host.isLocal || !snapshot.isRemoteComplete else { return nil }
            let reason = status.problem.map { ": \($0)" } ?? ""
            return "the domains of \(status.uri) have not all been read yet\(reason)"
        }
        guard missing.isEmpty, snapshot.isComplete else {
            return .failure(
                .serviceUnavailable, missing.isEmpty ? "the inventory is not complete yet" : missing.joined(separator: "; "))
        }
        return AdminReply(
            .object([
                JSONMember("status", .string("ready")), JSONMember("instances", .integer(Int64(snapshot.count))),
                JSONMember("hypervisors", .array(hypervisors().map(Self.json))),
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
        let uris = hypervisors().map(\.uri)
        return AdminReply(.object([JSONMember("instances", .array(all.map { document($0, uris).json }))]))
    }

    private typealias Sight = (instance: Instance, host: HostNumber, isPaused: Bool)

    private func document(_ sight: Sight, _ uris: [String]) -> InstanceDocument {
        InstanceDocument(
            instance: sight.instance, isPaused: sight.isPaused,
            hypervisor: uris.indices.contains(sight.host.index) ? uris[sight.host.index] : "", journal: responder.watch.journal)
    }

    private func about(
        _ name: String, _ what: String, _ query: [String: String], on loop: any EventLoop
    ) -> EventLoopFuture<AdminReply> {
        let sight: Sight
        switch find(name) {
        case .success(let found): sight = found
        case .failure(let failure): return loop.makeSucceededFuture(failure.reply)
        }
        switch what {
        case "requests": return loop.makeSucceededFuture(AdminReply(document(sight, hypervisors().map(\.uri)).requests))
        case "get":
            guard let target = query["path"], target.hasPrefix("/") else {
                return loop.makeSucceededFuture(
                    .failure(.badRequest, "which place? Write it behind ?path=, from '/' on, such as /latest/meta-data/"))
            }
            return read(target, sight, on: loop)
        default: return loop.makeSucceededFuture(.failure(.notFound, "of an instance there are 'get' and 'requests'"))
        }
    }

    private func read(_ target: String, _ sight: Sight, on loop: any EventLoop) -> EventLoopFuture<AdminReply> {
        switch responder.answer(to: target, about: sight.instance, on: sight.host) {
        case .reply(let reply): return loop.makeSucceededFuture(.guests(reply))
        case .hold(let doubt): return loop.makeSucceededFuture(.guests(responder.giveUp(doubt)))
        case .deferred(let effect):
            let promise = loop.makePromise(of: AdminReply.self)
            responder.perform(effect) { promise.succeed(.guests($0)) }
            return promise.futureResult
        }
    }

    private struct NotFound: Error {
        let reply: AdminReply
    }

    /// An instance by its domain's name or UUID, or by its own identifier.
    private func find(_ name: String) -> Result<Sight, NotFound> {
        let all = responder.board.snapshot.all
        let found = all.filter { [$0.instance.domainName, $0.instance.domain.description, $0.instance.id].contains(name) }
        if let only = found.first, found.count == 1 { return .success(only) }
        guard found.isEmpty else {
            let names = found.map { "\($0.instance.domainName) (\($0.instance.domain))" }.joined(separator: " and ")
            return .failure(NotFound(reply: .failure(.conflict, "'\(name)' is \(names): say which by its UUID")))
        }
        let advice = nearestWord(to: name, among: all.map(\.instance.domainName)).map { "; is '\($0)' meant?" } ?? ""
        let message = "no running domain '\(name)' is known to the server\(advice)"
        return .failure(NotFound(reply: .failure(.notFound, message)))
    }

    /// The words of a path, and its query, each percent-decoded.
    private static func parts(of target: String) -> (path: [String], query: [String: String]) {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = halves[0].split(separator: "/").map { decoded($0) }
        let pairs = (halves.count > 1 ? halves[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), decoded(sides.count > 1 ? sides[1] : ""))
        }
        return (path, Dictionary(pairs) { first, _ in first })
    }

    /// A text whose bytes are written as `%XX` where they would mean something (RFC 3986 §2.1); what is no such byte stays.
    private static func decoded(_ text: Substring) -> String {
        var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            guard byte == UInt8(ascii: "%"), digits.count == 2,
                digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
