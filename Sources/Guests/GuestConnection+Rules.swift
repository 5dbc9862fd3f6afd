extension GuestConnection {
    /// What all connections have in common.
    package struct Rules: Sendable {
        var timeouts: ConnectionTimeouts
        /// The longest body that is read, in bytes.
        var bodyLimit: Int

        init(timeouts: ConnectionTimeouts, bodyLimit: Int) { (self.timeouts, self.bodyLimit) = (timeouts, bodyLimit) }

        package init(_ limits: GuestLimits) {
            let timeouts = ConnectionTimeouts(
                request: Tick.count(in: limits.requestTimeout), idle: Tick.count(in: limits.idleTimeout),
                hold: Tick.count(in: limits.holdTimeout), reading: Tick.count(in: limits.readingPeriod))
            self.init(timeouts: timeouts, bodyLimit: limits.requestBodyBytes)
        }
    }
}
