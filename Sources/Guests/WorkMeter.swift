import NIOCore

/// The time of a thread that a connection's requests take, which its client is charged for.
struct WorkMeter {
    /// When the request that is being answered was complete.
    private(set) var received = NIODeadline.uptimeNanoseconds(0)
    /// When work on the request began: work on a held request begins only when it is answered.
    private var begun = NIODeadline.uptimeNanoseconds(0)
    /// The time that the client was charged for this connection.
    private var charged = TimeAmount.nanoseconds(0)

    /// The request is complete.
    mutating func begin() {
        received = .now()
        begun = received
    }

    /// Work on a request that waited continues.
    mutating func resume() { begun = .now() }

    /// The request is answered.
    mutating func charge(_ client: RateLimit?, at now: NIODeadline) {
        add(now - begun, to: client, at: now)
    }

    /// The time and the charge so far, for ``charge(_:since:_:)``.
    func start() -> (time: NIODeadline, charged: TimeAmount) { (.now(), charged) }

    /// Charges work that takes time in proportion to its length, except for the time that requests were charged meanwhile.
    mutating func charge(_ client: RateLimit?, since start: (time: NIODeadline, charged: TimeAmount)) {
        let now = NIODeadline.now()
        add(now - start.time - (charged - start.charged), to: client, at: now)
    }

    private mutating func add(_ time: TimeAmount, to client: RateLimit?, at now: NIODeadline) {
        charged = charged + time
        client?.takeTime(time, at: now)
    }
}
