package import Common
package import NIOCore

/// The last requests of each instance, so that an operator sees whether a guest sent requests, for which paths, and how they were
/// answered.
///
/// Records hold no body, and nothing of a request besides its method and target.
package final class RequestJournal: Sendable {
    /// How many requests of one instance are kept: more than cloud-init sends at a boot, so that one can see whether it requested a path.
    static let length = 128
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

    /// The requests of an instance that are kept.
    package struct Requests: Sendable {
        /// The newest last.
        package var records: [Record] = []
        /// How many there were since the server started or last dropped them, with those that are no longer kept.
        package var count = 0
        /// How many of the records are of earlier runs of the domain: the first ones.
        package var earlier = 0
    }

    private struct Page {
        var records: [Record] = []
        /// How many requests there were in all.
        var count = 0
        /// The latest run of the domain of which there is a request; `nil` where no run is known.
        var run: DomainRun?
        /// How many requests there were before that run.
        var earlier = 0

        /// The newest last.
        var ordered: [Record] {
            guard records.count == RequestJournal.length else { return records }
            let next = count % RequestJournal.length
            return Array(records[next...] + records[..<next])
        }

        mutating func add(_ record: Record, in run: DomainRun?) {
            if let run, self.run.map(run.isLater) ?? true { (self.run, earlier) = (run, count) }
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

    /// - Parameter run: the run of the domain that sent the request; `nil` for the current one.
    package func add(_ record: Record, of domain: InstanceUUID, in run: DomainRun? = nil) {
        let run = run ?? snapshot().run(of: domain)
        pages.withLock { [snapshot] pages in
            if let index = pages.byInstance.index(forKey: domain) { return pages.byInstance.values[index].add(record, in: run) }
            if pages.limit.isReached(by: pages.byInstance.count) {
                let snapshot = snapshot()
                pages.limit.tidy(&pages.byInstance) { domain, _ in snapshot.instance(of: domain) != nil }
            }
            if pages.byInstance.count >= Self.mostInstances { Self.dropSilent(in: &pages.byInstance) }
            pages.byInstance[domain] = Page(records: [record], count: 1, run: run)
        }
    }

    /// An instance's last requests.
    package func requests(of domain: InstanceUUID) -> Requests {
        let current = snapshot().run(of: domain)
        guard let page = pages.withLock({ $0.byInstance[domain] }) else { return Requests() }
        let isCurrent = current == nil || page.run == nil || page.run == current
        let ofRun = isCurrent ? page.count - page.earlier : 0
        return Requests(records: page.ordered, count: page.count, earlier: max(0, page.records.count - ofRun))
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
