package import Common
package import NIOCore

/// The last requests of each instance, so that an operator sees whether a guest sent requests, for which paths, and how they were
/// answered.
///
/// Records hold no body, and nothing of a request besides its method and target.
package final class RequestJournal: Sendable {
    /// How many requests of one instance are kept.
    static let length = 16
    /// How many bytes of a target are kept.
    static let longestTarget = 96
    /// How many instances are remembered; beyond that the half that was silent for longest is dropped.
    static let mostInstances = 2048
    /// With fewer instances nothing is dropped.
    static let fewestInstances = 64

    package struct Record: Sendable {
        /// When it was answered.
        package let time: NIODeadline
        package let duration: TimeAmount
        package let method: String
        package let target: String
        package let status: UInt
    }

    private struct Page {
        var records: [Record] = []
        /// How many requests there were in all.
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
        /// When to drop the requests of removed instances.
        var limit = TableLimit(fewest: RequestJournal.fewestInstances, most: RequestJournal.mostInstances)
    }

    private let pages = Locked(Pages())
    private let snapshot: @Sendable () -> Snapshot

    /// - Parameter snapshot: the current snapshot; the requests of a removed instance cannot be looked up.
    package init(snapshot: @escaping @Sendable () -> Snapshot) {
        self.snapshot = snapshot
    }

    package func add(_ record: Record, of domain: InstanceUUID) {
        pages.withLock { [snapshot] pages in
            if let index = pages.byInstance.index(forKey: domain) { return pages.byInstance.values[index].add(record) }
            if pages.limit.isReached(by: pages.byInstance.count) {
                let snapshot = snapshot()
                pages.limit.tidy(&pages.byInstance) { domain, _ in snapshot.instance(of: domain) != nil }
            }
            if pages.byInstance.count >= Self.mostInstances { Self.dropSilent(in: &pages.byInstance) }
            pages.byInstance[domain] = Page(records: [record], count: 1)
        }
    }

    /// An instance's last requests, the newest last, and how many there were since the server started or last dropped them.
    package func requests(of domain: InstanceUUID) -> (records: [Record], count: Int) {
        pages.withLock { pages in
            pages.byInstance[domain].map { ($0.ordered, $0.count) } ?? ([], 0)
        }
    }

    private static func dropSilent(in pages: inout [InstanceUUID: Page]) {
        let times = pages.values.compactMap { $0.ordered.last?.time }.sorted()
        let middle = times[times.count / 2]
        pages = pages.filter { ($0.value.ordered.last?.time ?? middle) > middle }
    }

    /// The part of a target that is kept.
    package static func kept(_ target: String) -> String {
        guard target.utf8.count > longestTarget else { return target }
        return String(decoding: target.utf8.prefix(longestTarget), as: UTF8.self) + "…"
    }
}
