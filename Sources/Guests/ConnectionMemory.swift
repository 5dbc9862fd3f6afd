/// The memory that a connection takes, in bytes, beyond the free amount of every connection: unread replies, incomplete heads,
/// waiting requests.
struct ConnectionMemory {
    var progress = ReplyProgress()
    /// How many bytes of the request's head have arrived, and how many of these are parsed.
    private var (headBytes, parsedBytes) = (0, 0)
    /// The memory that ``GuestMemory`` has granted.
    private(set) var granted = 0

    /// The memory taken. Heads become strings, which take twice their bytes.
    func kept(besides waiting: Int) -> Int { max(0, progress.memory + 2 * headBytes + waiting - GuestMemory.free) }

    mutating func grant(_ bytes: Int) { granted = bytes }

    /// Counts a read that was parsed while the head of a request was incomplete.
    mutating func parsedOfHead(_ count: Int, leaving rest: Int) {
        (headBytes, parsedBytes) = (parsedBytes + count + rest, parsedBytes + count)
    }

    /// Counts a read that had a whole head, or the end of one; the rest of it is no more than one read.
    mutating func parsedWholeHead(_ count: Int) { headBytes = max(headBytes, count) }

    /// The request is answered; its head is freed.
    mutating func dropHead() { (headBytes, parsedBytes) = (0, 0) }

    /// Stops counting the head, because there is no memory for more of it; the received part stays until the end.
    mutating func stopAtGrant() { headBytes = (granted + GuestMemory.free) / 2 }
}
