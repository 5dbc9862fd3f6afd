import Common
import NIOCore
import NIOHTTP1

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

    /// One request.
    struct Record: Sendable {
        /// When it was answered.
        let time: NIODeadline
        let duration: TimeAmount
        let method: HTTPMethod
        let target: String
        let status: HTTPResponseStatus
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

    private let pages = Locked<[InstanceUUID: Page]>([:])

    /// Remembers a request.
    func add(_ record: Record, of domain: InstanceUUID) {
        pages.withLock { pages in
            if pages[domain] == nil, pages.count >= Self.mostInstances { Self.forget(in: &pages) }
            pages[domain, default: Page()].add(record)
        }
    }

    /// An instance's last requests, the newest last, and how many there were since the server started or last forgot it.
    func requests(of domain: InstanceUUID) -> (records: [Record], count: Int) {
        pages.withLock { pages in
            pages[domain].map { ($0.ordered, $0.count) } ?? ([], 0)
        }
    }

    private static func forget(in pages: inout [InstanceUUID: Page]) {
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
