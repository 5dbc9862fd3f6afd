import Common
import NIOCore

/// The open connections of one event loop: how many there are and whose, and which have taken too long.
///
/// One repeated task looks at all of them ten times a second, while there are any. A timer for each would be set and cleared with
/// every request, and taking one out of NIO's queue costs in proportion to the number of connections.
final class ConnectionTable {
    /// What a table allows.
    struct Limits: Sendable {
        var connections: Int
        var connectionsPerCaller: Int
        var held: Int
    }

    /// How often the connections are looked at: the precision of every time-out.
    static let tick = TimeAmount.milliseconds(100)

    private let loop: any EventLoop
    private let limits: Limits
    private var connections: [ObjectIdentifier: GuestConnection] = [:]
    private var callers: [IPAddress: Int] = [:]
    private var ticking = false
    /// How many ticks have passed; the clock of all time-outs.
    private(set) var now = 0
    /// How many requests are held.
    private(set) var held = 0

    init(loop: any EventLoop, limits: Limits) {
        (self.loop, self.limits) = (loop, limits)
    }

    /// A duration in ticks, at least one.
    static func ticks(_ duration: Duration) -> Int {
        max(1, Int(duration / .nanoseconds(tick.nanoseconds)))
    }

    /// How many connections are open.
    var count: Int { connections.count }

    /// Takes in a connection; false if there are too many, in all or of this caller's.
    ///
    /// - Parameter counted: the caller's address; `nil` for a peer that stands for many callers.
    func insert(_ connection: GuestConnection, counted caller: IPAddress?) -> Bool {
        guard connections.count < limits.connections else { return false }
        if let caller {
            guard callers[caller, default: 0] < limits.connectionsPerCaller else { return false }
            callers[caller, default: 0] += 1
        }
        connections[ObjectIdentifier(connection)] = connection
        if !ticking { startTicking() }
        return true
    }

    /// Forgets a connection that was taken in.
    func remove(_ connection: GuestConnection, counted caller: IPAddress?) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil, let caller else { return }
        let left = callers[caller, default: 0] - 1
        callers[caller] = left > 0 ? left : nil
    }

    /// Counts a held request; false if there are too many.
    func beginHolding() -> Bool {
        guard held < limits.held else { return false }
        held += 1
        return true
    }

    /// A request is held no longer.
    func endHolding() { held -= 1 }

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
