import NIOCore

/// The time of a thread that a connection's requests take, which its client is charged for.
struct WorkMeter {
    /// What a read costs besides the parsing of its bytes: the event, the call of the kernel, and the next wait.
    static let read = TimeAmount.microseconds(5)

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
    ///
    /// - Returns: the time that the client was charged.
    mutating func charge(_ client: RateLimit?, at now: NIODeadline, by clock: inout ProcessorClock) -> TimeAmount {
        add(clock.used(in: now - begun), to: client, at: now)
    }

    /// The time and the charge so far, for ``charge(_:since:by:)``.
    func start() -> (time: NIODeadline, charged: TimeAmount) { (.now(), charged) }

    /// Charges work that takes time in proportion to its length, except for the time that requests were charged meanwhile.
    ///
    /// - Returns: the time that the client was charged.
    mutating func charge(
        _ client: RateLimit?, since start: (time: NIODeadline, charged: TimeAmount), by clock: inout ProcessorClock
    ) -> TimeAmount {
        let now = NIODeadline.now()
        return add(clock.used(in: now - start.time - (charged - start.charged)), to: client, at: now)
    }

    private mutating func add(_ time: TimeAmount, to client: RateLimit?, at now: NIODeadline) -> TimeAmount {
        charged = charged + time
        client?.takeTime(time, at: now)
        return time
    }
}
