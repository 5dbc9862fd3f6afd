import NIOCore

/// How much of a loop's turn each client has had, so that one with many connections, or with many requests in one packet, does not
/// have the thread to itself: the others wait for a slice of it, however much it sends.
struct TurnShares {
    /// How long a client's requests are answered in one turn, as time of the thread; the request that is being answered is
    /// finished. A request takes some ten microseconds, the costliest about a millisecond.
    static let slice = TimeAmount.milliseconds(1)

    // Few clients have a turn together: an array is searched faster than a table.
    private var clients: [(id: ObjectIdentifier, time: TimeAmount)] = []

    /// The next turn begins.
    mutating func begin() { clients.removeAll(keepingCapacity: true) }

    /// Some time was spent on a client.
    ///
    /// - Parameter client: `nil` for a peer that stands for many clients: its requests are theirs, and nobody's share is known.
    mutating func add(_ time: TimeAmount, of client: RateLimit?) {
        guard let client else { return }
        let id = ObjectIdentifier(client)
        if let index = clients.firstIndex(where: { $0.id == id }) {
            clients[index].time = clients[index].time + time
        } else {
            clients.append((id, time))
        }
    }

    /// Whether the client has had its share, and waits for the next turn.
    func isSpent(by client: RateLimit?) -> Bool {
        guard let client else { return false }
        let id = ObjectIdentifier(client)
        return clients.contains { $0.id == id && $0.time >= Self.slice }
    }
}
