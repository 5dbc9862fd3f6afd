/// The last requests of an emulator, for tests that ask for them; older ones are dropped.
struct RequestRecords: Sendable {
    /// How many are kept.
    static let most = 10_000
    /// How many bytes their targets and fields may have together: clients choose them.
    static let mostBytes = 8 << 20

    private var records: [AccessRecord] = []
    /// Where the oldest is; what is before it was dropped, and is removed from time to time.
    private var oldest = 0
    private var bytes = 0
    /// How many were dropped.
    private(set) var dropped = 0

    mutating func append(_ record: AccessRecord) {
        records.append(record)
        bytes += Self.size(of: record)
        while records.count - oldest > Self.most || bytes > Self.mostBytes, oldest < records.count {
            bytes -= Self.size(of: records[oldest])
            (oldest, dropped) = (oldest + 1, dropped + 1)
        }
        guard oldest > Self.most else { return }
        records.removeFirst(oldest)
        oldest = 0
    }

    private static func size(of record: AccessRecord) -> Int {
        let fields = (record.request?.headers ?? []).reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        return fields + (record.request?.target.utf8.count ?? 0)
    }

    /// The oldest first.
    var kept: [AccessRecord] { Array(records[oldest...]) }
}
