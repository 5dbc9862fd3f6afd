package import Common
package import NIOCore
import NIOHTTP1

/// Counts guests' requests for the operator: no answer depends on it.
package final class RequestWatch: Sendable {
    package let metrics: ServerMetrics
    package let journal: RequestJournal

    /// - Parameters:
    ///   - board: publishes the current snapshot.
    ///   - views: the names of the views, in the order of their numbers.
    package init(_ board: SnapshotBoard, views: [String]) {
        metrics = ServerMetrics(views: views)
        journal = RequestJournal { board.snapshot }
    }

    /// Counts an answered request.
    ///
    /// - Parameter received: when the request was complete.
    package func answered(_ request: GuestRequest, by reply: Reply, received: NIODeadline, at now: NIODeadline) {
        let duration = now - received
        metrics.answered(reply.status, view: reply.subject.view, nanoseconds: duration.nanoseconds)
        guard let domain = reply.subject.domain else { return }
        journal.add(
            .init(
                time: now, duration: duration, method: request.method.rawValue, target: RequestJournal.kept(request.target),
                status: reply.status.code),
            of: domain, in: reply.subject.run)
    }
}
