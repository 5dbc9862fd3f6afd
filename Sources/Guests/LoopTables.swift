import NIOCore
import NIOPosix

/// The tables of each event loop: its connections and its clock.
final class LoopTables: Sendable {
    /// The tables of one event loop.
    final class Loop {
        let connections: ConnectionTable
        let dates = DateCache()

        init(_ loop: any EventLoop, limits: ConnectionLimits) {
            connections = ConnectionTable(loop: loop, limits: limits)
        }
    }

    private let loops: [ObjectIdentifier: NIOLoopBound<Loop>]

    /// - Parameter limits: shared by all loops.
    init(group: MultiThreadedEventLoopGroup, limits: ConnectionLimits) async throws {
        var loops: [ObjectIdentifier: NIOLoopBound<Loop>] = [:]
        for loop in group.makeIterator() {
            loops[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(Loop(loop, limits: limits), eventLoop: loop)
            }.get()
        }
        self.loops = loops
    }

    /// The tables of a loop; to be called on that loop.
    func table(of loop: any EventLoop) -> Loop {
        guard let own = loops[ObjectIdentifier(loop)] else { preconditionFailure("a connection is on a loop of another group") }
        return own.value
    }
}
