/// The last requests of an emulator, for tests that ask for them; older ones are dropped.
struct RequestRecords: Sendable {
    /// How many are kept: the head of each may have some kilobytes.
    static let most = 10_000

    private var records: [AccessRecord] = []
    /// Where the oldest is, when there are as many as can be.
    private var oldest = 0
    /// How many were dropped.
    private(set) var dropped = 0

    mutating func append(_ record: AccessRecord) {
        guard records.count == Self.most else { return records.append(record) }
        records[oldest] = record
        (oldest, dropped) = ((oldest + 1) % Self.most, dropped + 1)
    }

    /// The oldest first.
    var kept: [AccessRecord] { Array(records[oldest...] + records[..<oldest]) }
}
