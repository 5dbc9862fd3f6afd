import Common
import NIOCore
import NIOHTTP1

/// Who keeps count of what guests ask, for the operator's eyes alone: no answer depends on it.
final class RequestWatch: Sendable {
    let metrics = ServerMetrics()
    let journal: RequestJournal

    /// - Parameter board: where it stands which instances there are.
    init(_ board: SnapshotBoard) {
        journal = RequestJournal { board.snapshot }
    }

    /// A request has been answered.
    ///
    /// - Parameter asked: when it was whole.
    func answered(_ head: HTTPRequestHead, by reply: Reply, asked: NIODeadline, at now: NIODeadline) {
        let duration = now - asked
        metrics.answered(reply.status, view: reply.view, nanoseconds: duration.nanoseconds)
        guard let domain = reply.domain else { return }
        journal.add(
            .init(
                time: now, duration: duration, method: head.method.rawValue, target: RequestJournal.kept(head.uri),
                status: reply.status.code),
            of: domain)
    }
}
