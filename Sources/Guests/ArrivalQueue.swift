/// What arrives over a connection, in order.
package enum Arrival {
    case head(GuestRequest)
    case body([UInt8])
    case end
    /// Bytes that are no request, and the refusal that answers them.
    case trouble(GuestConnection.Refusal)
    /// The guest sends no more, but may still read.
    case inputClosed
}

/// Parts of requests that arrived over a connection and wait until the earlier ones are answered and read.
struct ArrivalQueue {
    /// How many parts of requests may wait, two for each request as a rule: no cloud agent sends a request before the last one is
    /// answered. One read has more parts only where requests with next to nothing in them follow each other.
    static let most = 32
    /// The memory that a waiting part takes, in bytes: the part itself and about two fields.
    private static let cost = 512

    // A few at most, and none on most connections: an empty array takes no memory.
    private var arrivals: [Arrival] = []
    /// Whether more parts arrived than may wait: then the reply under way is the last one, and all later bytes are dropped.
    private(set) var isOverrun = false

    var isEmpty: Bool { arrivals.isEmpty }

    /// The memory that the waiting parts take, in bytes.
    var memory: Int { arrivals.count * Self.cost }

    /// - Returns: whether this part is the first one beyond the limit.
    mutating func append(_ arrival: Arrival) -> Bool {
        guard !isOverrun else { return false }
        guard arrivals.count == Self.most else {
            arrivals.append(arrival)
            return false
        }
        isOverrun = true
        arrivals = [.inputClosed]
        return true
    }

    mutating func popFirst() -> Arrival? { arrivals.isEmpty ? nil : arrivals.removeFirst() }

    mutating func removeAll() { arrivals = [] }
}
