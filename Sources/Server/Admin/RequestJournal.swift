import Common
import NIOCore

/// The last requests of each instance, so that an operator sees whether a guest has asked, for what, and what it was told.
///
/// Never what was in a reply, or in a request besides its method and target.
final class RequestJournal: Sendable {
    /// How many requests of one instance are kept.
    static let length = 16
    /// How many bytes of a target are kept.
    static let longestTarget = 96
    /// How many instances are remembered; beyond that the half is forgotten that was silent for longest.
    static let mostInstances = 2048
    /// With fewer nothing is forgotten.
    static let fewestInstances = 64

    /// One request.
    struct Record: Sendable {
        /// When it was answered.
        let time: NIODeadline
        let duration: TimeAmount
        let method: String
        let target: String
        let status: UInt
    }

    private struct Page {
        var records: [Record] = []
        /// How many there were in all.
        var count = 0

        /// The newest last.
        var ordered: [Record] {
            guard records.count == RequestJournal.length else { return records }
            let next = count % RequestJournal.length
            return Array(records[next...] + records[..<next])
        }

        mutating func add(_ record: Record) {
            if records.count < RequestJournal.length {
                records.append(record)
            } else {
                records[count % RequestJournal.length] = record
            }
            count += 1
        }
    }

    private struct Pages {
        var byInstance: [InstanceUUID: Page] = [:]
        /// When those are forgotten whose instances are gone.
        var limit = TableLimit(fewest: RequestJournal.fewestInstances, most: RequestJournal.mostInstances)
    }

    private let pages = Locked(Pages())
    private let snapshot: @Sendable () -> Snapshot

    /// - Parameter snapshot: which instances there are; nobody can ask for the requests of one that is gone.
    init(snapshot: @escaping @Sendable () -> Snapshot) {
        self.snapshot = snapshot
    }

    /// Remembers a request.
    func add(_ record: Record, of domain: InstanceUUID) {
        pages.withLock { [snapshot] pages in
            if let index = pages.byInstance.index(forKey: domain) { return pages.byInstance.values[index].add(record) }
            if pages.limit.isReached(by: pages.byInstance.count) {
                let snapshot = snapshot()
                pages.limit.tidy(&pages.byInstance) { domain, _ in snapshot.instance(of: domain) != nil }
            }
            if pages.byInstance.count >= Self.mostInstances { Self.forgetTheSilent(in: &pages.byInstance) }
            pages.byInstance[domain] = Page(records: [record], count: 1)
        }
    }

    /// An instance's last requests, the newest last, and how many there were since the server started or last forgot it.
    func requests(of domain: InstanceUUID) -> (records: [Record], count: Int) {
        pages.withLock { pages in
            pages.byInstance[domain].map { ($0.ordered, $0.count) } ?? ([], 0)
        }
    }

    private static func forgetTheSilent(in pages: inout [InstanceUUID: Page]) {
        let times = pages.values.compactMap { $0.ordered.last?.time }.sorted()
        let middle = times[times.count / 2]
        pages = pages.filter { ($0.value.ordered.last?.time ?? middle) > middle }
    }

    /// As much of a target as is kept.
    static func kept(_ target: String) -> String {
        guard target.utf8.count > longestTarget else { return target }
        return String(decoding: target.utf8.prefix(longestTarget), as: UTF8.self) + "…"
    }
}
