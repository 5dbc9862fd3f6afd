import NIOCore
import NIOPosix

/// What each event loop has of its own: its connections and its clock.
final class LoopTables: Sendable {
    /// One event loop's own.
    final class Loop {
        let connections: ConnectionTable
        let dates = DateCache()

        init(_ loop: any EventLoop, limits: ConnectionTable.Limits) {
            connections = ConnectionTable(loop: loop, limits: limits)
        }
    }

    private let loops: [ObjectIdentifier: NIOLoopBound<Loop>]

    /// - Parameter limits: in all; each loop gets its share, for connections are spread over them in turn.
    init(group: MultiThreadedEventLoopGroup, limits: Configuration.Limits) async throws {
        let all = Array(group.makeIterator())
        let share = ConnectionTable.Limits(
            connections: max(1, limits.connections / all.count), connectionsPerCaller: limits.connectionsPerCaller,
            held: max(1, limits.heldRequests / all.count))
        var loops: [ObjectIdentifier: NIOLoopBound<Loop>] = [:]
        for loop in all {
            loops[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(Loop(loop, limits: share), eventLoop: loop)
            }.get()
        }
        self.loops = loops
    }

    /// What a loop has of its own; to be called on that loop.
    func table(of loop: any EventLoop) -> Loop {
        guard let own = loops[ObjectIdentifier(loop)] else { preconditionFailure("a connection is on a loop of another group") }
        return own.value
    }

    /// Waits until no connection is left, or the time is up.
    func drained(within limit: TimeAmount) async throws {
        let deadline = NIODeadline.now() + limit
        for bound in loops.values {
            while NIODeadline.now() < deadline {
                let left = try await bound.eventLoop.submit { bound.value.connections.count }.get()
                if left == 0 { break }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
