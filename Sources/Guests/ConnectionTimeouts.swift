package import NIOCore

/// The clock of all timeouts, which are checked with each tick.
package enum Tick {
    package static let interval = TimeAmount.milliseconds(100)

    /// A duration in ticks, at least one.
    package static func count(in duration: Duration) -> Int { max(1, Int(duration / .nanoseconds(interval.nanoseconds))) }
}

/// The timeouts of a connection, in ticks.
struct ConnectionTimeouts: Sendable {
    /// From a request's first byte to its last.
    var request: Int
    /// Without a request, and without reading any of a reply.
    var idle: Int
    /// For a request that waits for its domain.
    var hold: Int
    /// The period over which the reading speed of a reply is measured.
    var reading: Int

    /// How long a guest may go on sending bytes that are dropped once its last reply has left, so that it can read that reply.
    static let lingering = Tick.count(in: .seconds(2))
    /// How long no request is read from a connection after a 429: long enough that all connections of a guest together cost
    /// little, and shorter than any client waits.
    static let pause = Tick.count(in: .milliseconds(500))
    /// How long a connected guest may still send its first request when the server is about to stop: the request is on its way.
    static let farewell = Tick.count(in: .seconds(1))
}
