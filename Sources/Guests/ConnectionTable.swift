import Common
import NIOCore

/// The open connections of one event loop, and the check which of them have timed out.
///
/// One repeated task checks all of them ten times a second, while there are any. A timer for each connection would be set and
/// cleared with every request, and removing one from NIO's queue costs in proportion to the number of connections.
final class ConnectionTable {
    /// The interval of the check: the precision of every timeout.
    static let tick = TimeAmount.milliseconds(100)

    let limits: ConnectionLimits
    private let loop: any EventLoop
    private var connections: [ObjectIdentifier: GuestConnectionHandler] = [:]
    private var ticking = false
    /// The number of ticks so far; the clock of all timeouts.
    private(set) var now = 0

    init(loop: any EventLoop, limits: ConnectionLimits) {
        (self.loop, self.limits) = (loop, limits)
    }

    /// A duration in ticks, at least one.
    static func ticks(_ duration: Duration) -> Int {
        max(1, Int(duration / .nanoseconds(tick.nanoseconds)))
    }

    /// Adds a connection; `nil` if there are too many, in all or of this client.
    ///
    /// - Parameter client: the client of the connection; `nil` for a peer that stands for many clients.
    func insert(_ connection: GuestConnectionHandler, of client: ConnectionLimits.Key?) -> ConnectionLimits.Slot? {
        guard let slot = limits.admit(client) else { return nil }
        connections[ObjectIdentifier(connection)] = connection
        if !ticking { startTicking() }
        return slot
    }

    func remove(_ connection: GuestConnectionHandler, from slot: ConnectionLimits.Slot) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
        limits.release(slot)
    }

    private func startTicking() {
        ticking = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { task in
            if bound.value.tickOnce() { task.cancel() }
        }
    }

    /// Checks every connection; `true` if none is left to check.
    private func tickOnce() -> Bool {
        now += 1
        for connection in Array(connections.values) { connection.tick() }
        ticking = !connections.isEmpty
        return !ticking
    }
}
