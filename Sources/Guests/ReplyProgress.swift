/// How much of a connection's replies the guest has yet to read, and whether it reads fast enough.
///
/// Unread bytes stay with the server, so a guest that reads a byte now and then could keep them for ever.
struct ReplyProgress {
    /// The least reading speed of an unread reply, in bytes per second over a period: a hundredth of a telephone line's.
    static let leastRate = 1 << 10

    private var written = 0
    private var unlooked = 0
    /// The bytes written since the kernel last had everything, and the largest piece of them.
    private var (pending, largest) = (0, 0)
    private var period: (began: Int, confirmed: Int)?
    /// How many bytes the kernel had not accepted at the last look.
    private(set) var unread = 0

    /// An upper bound of the bytes that the kernel has not accepted: asking it costs more than most replies do.
    var mostUnread: Int { unread + unlooked }

    /// Counts a written piece: a reply, or several.
    mutating func write(_ count: Int) {
        written += count
        unlooked += count
        pending += count
        largest = max(largest, count)
    }

    /// The memory of unread replies: the whole of a piece stays until the kernel has accepted the last of it.
    var memory: Int { unread == 0 ? 0 : min(pending, unread + largest) }

    /// Records how many bytes the kernel has not accepted.
    ///
    /// - Returns: whether it has accepted any since the last look.
    mutating func look(_ left: Int) -> Bool {
        let before = mostUnread
        (unread, unlooked) = (left, 0)
        if left == 0 { (period, pending, largest) = (nil, 0, 0) }
        return left < before
    }

    /// Whether a period is over, or one is to begin, so that the kernel is to be asked how much the guest has confirmed.
    func isDue(at now: Int, period length: Int) -> Bool {
        guard unread > 0 else { return false }
        return period.map { now - $0.began >= length } ?? true
    }

    /// Ends a period and begins the next.
    ///
    /// - Parameters:
    ///   - unconfirmed: the accepted bytes that the guest has not confirmed.
    ///   - now: in ticks.
    /// - Returns: whether the guest has read too little in the ended period.
    mutating func isTooSlow(unconfirmed: Int, at now: Int) -> Bool {
        let confirmed = written - unread - unconfirmed
        defer { period = (now, confirmed) }
        guard let period else { return false }
        return confirmed - period.confirmed < Self.leastRate * (now - period.began) / Tick.count(in: .seconds(1))
    }

    /// The same where the kernel has everything, called with every tick.
    ///
    /// - Parameter length: of a period, in ticks.
    /// - Returns: whether the guest has confirmed too little in the ended period: neither all nor what it must read.
    mutating func isConfirmedTooSlowly(unconfirmed: Int, at now: Int, period length: Int) -> Bool {
        let confirmed = written - unconfirmed
        guard let last = period else {
            period = (now, confirmed)
            return false
        }
        guard now - last.began >= length else { return false }
        period = (now, confirmed)
        let least = Self.leastRate * (now - last.began) / Tick.count(in: .seconds(1))
        return confirmed - last.confirmed < min(least, written - last.confirmed)
    }
}
