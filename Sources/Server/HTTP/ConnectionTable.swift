import Common
import NIOCore

/// The open connections of one event loop, and which of them have taken too long.
///
/// One repeated task looks at all of them ten times a second, while there are any. A timer for each would be set and cleared with
/// every request, and taking one out of NIO's queue costs in proportion to the number of connections.
final class ConnectionTable {
    /// How often the connections are looked at: the precision of every time-out.
    static let tick = TimeAmount.milliseconds(100)

    /// The connections of all event loops.
    let census: Census
    private let loop: any EventLoop
    private var connections: [ObjectIdentifier: GuestConnection] = [:]
    private var ticking = false
    /// How many ticks have passed; the clock of all time-outs.
    private(set) var now = 0

    init(loop: any EventLoop, census: Census) {
        (self.loop, self.census) = (loop, census)
    }

    /// A duration in ticks, at least one.
    static func ticks(_ duration: Duration) -> Int {
        max(1, Int(duration / .nanoseconds(tick.nanoseconds)))
    }

    /// Takes in a connection; `nil` if there are too many, in all or of this caller's.
    ///
    /// - Parameter caller: whose it is; `nil` for a peer that stands for many callers.
    func insert(_ connection: GuestConnection, of caller: Census.Caller?) -> Census.Seat? {
        guard let seat = census.admit(caller) else { return nil }
        connections[ObjectIdentifier(connection)] = connection
        if !ticking { startTicking() }
        return seat
    }

    /// Forgets a connection that was taken in.
    func remove(_ connection: GuestConnection, from seat: Census.Seat) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
        census.dismiss(seat)
    }

    private func startTicking() {
        ticking = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleRepeatedTask(initialDelay: Self.tick, delay: Self.tick) { task in
            if bound.value.tickOnce() { task.cancel() }
        }
    }

    /// Looks at every connection; true if there is none left to look at.
    private func tickOnce() -> Bool {
        now += 1
        for connection in Array(connections.values) { connection.tick() }
        ticking = !connections.isEmpty
        return !ticking
    }
}
