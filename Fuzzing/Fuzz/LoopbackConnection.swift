import Common
import Glibc

@testable import Guests
@testable import Sockets

/// A connection over loopback, both ends of it in this thread, and what went over it. Time passes by ticks.
final class LoopbackConnection {
    /// Ticks until every timeout is over.
    private static let patience = 60

    private static let server: ServerSocket = {
        let options = ServerSocket.Options(
            backlog: 16, receiveBuffer: 64 << 10, sendBuffer: 64 << 10, silence: 10_000, acceptsIPv4: nil)
        do {
            return try unsafe withUnsafeBytes(of: address(port: 0)) { try unsafe ServerSocket(on: $0, options) { _ in } }
        } catch {
            fatalError("loopback cannot be listened on: \(error)")
        }
    }()

    private let loop: GuestLoop
    private let tasks = TaskList()
    private let exceeded = ExceededLimits()
    private let guest: Int32
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    /// What the server sent.
    private(set) var replies: [UInt8] = []

    init(of sender: Sender) {
        var limits = GuestLimits()
        (limits.requestTimeout, limits.holdTimeout, limits.idleTimeout) = (.seconds(1), .milliseconds(300), .seconds(2))
        // No refusal may depend on how fast inputs follow each other.
        limits.rates = RateLimit.Rates(requestsPerSecond: 1_000_000, bytesPerSecond: 1 << 40)
        let connections = ConnectionLimits(limits: limits) { [exceeded] in exceeded.note($1) }
        let rules = ServingRules(
            responder: sender.responder, limits: limits, connections: connections, onAcceptFailure: { fatalError("\($0)") })
        guest = Self.connect(to: Self.server)
        do {
            loop = GuestLoop(rules: rules, poller: try Poller()) { [tasks] in tasks.add($0) }
            guard let socket = try Self.server.accept(), let address = IPAddress(sender.address),
                let client = sender.responder.client(socket: nil, peer: address, of: .anywhere)
            else { fatalError("a connection cannot be begun") }
            loop.adopt(socket, of: client, from: GuestListener.ID(number: 1), of: .anywhere)
        } catch {
            fatalError("a connection cannot be begun: \(error)")
        }
    }

    deinit {
        loop.end()
        close(guest)
    }

    /// Whether more requests came than may wait, so that the last of them got no reply.
    var isOverrun: Bool { exceeded.areMet }

    func send(_ bytes: ArraySlice<UInt8>, inPiecesOf size: Int) {
        var rest = bytes
        while !rest.isEmpty, loop.count > 0 {
            let piece = Array(rest.prefix(size))
            let sent = unsafe piece.withUnsafeBytes {
                unsafe Glibc.send(guest, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            // The server closed it, or does not read for now.
            if sent < 0, errno != EAGAIN { break }
            rest = rest.dropFirst(max(0, sent))
            if sent < 0 { loop.tick() }
            turn()
        }
    }

    func halfClose() {
        shutdown(guest, Int32(SHUT_WR))
        turn()
    }

    /// Lets time pass until every timeout is over.
    func wait() {
        for _ in 0..<Self.patience where loop.count > 0 {
            turn()
            loop.tick()
        }
        receive()
        guard loop.count == 0 else { fatalError("the connection does not end") }
    }

    private func turn() {
        // As often as there is more to do at once.
        for _ in 0..<8 {
            for task in tasks.take() { task(loop) }
            loop.turn(waiting: 0)
            receive()
        }
    }

    private func receive() {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(guest, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
            guard count > 0 else { return }
            replies += buffer[..<count]
        }
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func connect(to server: ServerSocket) -> Int32 {
        let guest = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // A reset at the end: waiting connections would use up the ports.
        try? ConnectionReset.atClose(of: guest)
        var address = address(port: server.port ?? 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(guest, $0, size) }
        }
        guard result == 0 else { fatalError("loopback cannot be connected to: \(errno)") }
        return guest
    }
}

/// What the loop is to do when it turns.
final class TaskList: Sendable {
    private let tasks = Locked<[GuestLoop.Task]>([])

    func add(_ task: @escaping GuestLoop.Task) { tasks.withLock { $0.append(task) } }

    func take() -> [GuestLoop.Task] {
        tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
    }
}
