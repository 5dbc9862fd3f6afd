import NIOCore
import NIOPosix

/// What each event loop has of its own: its connections and its clock.
final class LoopTables: Sendable {
    /// One event loop's own.
    final class Loop {
        let connections: ConnectionTable
        let dates = DateCache()

        init(_ loop: any EventLoop, census: Census) {
            connections = ConnectionTable(loop: loop, census: census)
        }
    }

    private let loops: [ObjectIdentifier: NIOLoopBound<Loop>]

    /// - Parameter census: of all loops together.
    init(group: MultiThreadedEventLoopGroup, census: Census) async throws {
        var loops: [ObjectIdentifier: NIOLoopBound<Loop>] = [:]
        for loop in group.makeIterator() {
            loops[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(Loop(loop, census: census), eventLoop: loop)
            }.get()
        }
        self.loops = loops
    }

    /// What a loop has of its own; to be called on that loop.
    func table(of loop: any EventLoop) -> Loop {
        guard let own = loops[ObjectIdentifier(loop)] else { preconditionFailure("a connection is on a loop of another group") }
        return own.value
    }
}
