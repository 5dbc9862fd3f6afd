import Common
import NIOCore
import NIOHTTP1
import RequestOracle
import TestSupport

@testable import Guests

/// A connection as a value, driven by the events of a test: no socket, and time passes by ticks.
final class DrivenConnection {
    /// In ticks.
    static let timeouts = ConnectionTimeouts(request: 30, idle: 600, hold: 50, reading: 100)
    static let bodyLimit = 1000

    var value: GuestConnection
    private var time = 7
    private let generation = 3

    init(standsForMany: Bool = false) {
        value = GuestConnection(
            rules: GuestConnection.Rules(timeouts: Self.timeouts, bodyLimit: Self.bodyLimit), generation: generation)
        value.opened(at: time, standsForMany: standsForMany)
    }

    // MARK: The guest

    /// The head of a request that arrives in one read.
    @discardableResult
    func head(
        _ method: HTTPMethod = .GET, _ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1, keptBody: Int = 0
    ) -> GuestConnection.Action {
        let head = HTTPRequestHead(version: version, method: method, uri: "/latest/", headers: fields)
        let request = RequestOracle.request(head) { _, _ in keptBody }
        value.bytesArrived()
        let action = value.headArrived(request)
        value.bytesParsed(100, leaving: 0)
        return action
    }

    /// A read with a part of a head, and nothing else.
    func part(_ parsed: Int, leaving rest: Int = 0) {
        value.bytesArrived()
        value.bytesParsed(parsed, leaving: rest)
        value.requestBegan(parsed: parsed, leaving: rest)
    }

    @discardableResult
    func body(_ text: String) -> GuestConnection.Action { arrived(.body(Array(text.utf8))) }

    @discardableResult
    func end() -> GuestConnection.Action { arrived(.end) }

    func arrived(_ arrival: Arrival) -> GuestConnection.Action { value.arrived(arrival) }

    /// A whole request without a body.
    @discardableResult
    func ask(_ method: HTTPMethod = .GET, _ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1) -> GuestConnection.Action
    {
        let action = head(method, fields, version: version)
        return action == .nothing ? end() : action
    }

    // MARK: The server

    /// Sends a request and gets its reply.
    @discardableResult
    func askAndGetReply(_ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1) -> Persistence {
        ask(.GET, fields, version: version)
        return replied()
    }

    // A copy of the value, because `#expect` cannot call mutating methods.
    func next() -> GuestConnection.Action? { value.next() }
    func belongs(to run: DomainRun?) -> Bool { value.belongs(to: run) }
    func beginEffect(limit: Int) -> Int { value.beginEffect(limit: limit) }
    func effectEnded(_ number: Int) -> Bool { value.effectEnded(number) }
    func endHold() -> Bool { value.endHold() }
    func replied() -> Persistence { value.replied() }
    func lastBytesLeft() -> GuestConnection.Action { value.lastBytesLeft() }
    func closed() -> Bool { value.closed() }
    func confirmed(allBut bytes: Int) -> GuestConnection.Action { value.confirmed(allBut: bytes) }
    func memoryRefused() -> GuestConnection.Action { value.memoryRefused() }

    /// Has the request held.
    @discardableResult
    func hold(isGranted: Bool = true) -> Bool { value.hold { isGranted } }

    /// Handles all waiting parts that can be handled, in order.
    func takeAll() -> [GuestConnection.Action] {
        var actions: [GuestConnection.Action] = []
        while let action = value.next() { actions.append(action) }
        return actions
    }

    /// The kernel accepts more of the replies, or no more.
    @discardableResult
    func writability(_ isWritable: Bool, whileWriting isWriting: Bool = false) -> GuestConnection.Action {
        value.writabilityChanged(to: isWritable, whileWriting: isWriting)
    }

    // MARK: Time

    /// Ticks pass.
    ///
    /// - Returns: the actions, without `.nothing`.
    @discardableResult
    func pass(_ ticks: Int) -> [GuestConnection.Action] {
        (0..<ticks).flatMap { _ in
            [tickWithoutEnd(), value.expire()].filter { $0 != .nothing }
        }
    }

    /// A tick without the end of what timed out.
    func tickWithoutEnd() -> GuestConnection.Action {
        time += 1
        return value.ticked(at: time, generation: generation)
    }

    /// A tick after the port went to another run of a domain.
    func passToAnother() -> GuestConnection.Action { value.ticked(at: time + 1, generation: generation + 1) }

    func quiesce(isAnothers: Bool = false) -> GuestConnection.Action {
        value.quiesced(generation: isAnothers ? generation + 1 : generation)
    }
}
