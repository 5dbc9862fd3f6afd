import Common
import FoundationEssentials
import Guests
import NIOCore

/// What the connections of an emulator share; all but the director belongs to their thread.
final class EmulatorDesk: @unchecked Sendable {
    // Safe: `director` and the constants may be read by any thread; the rest is read and written on `loop` alone.

    let clock: any EmulatorClock
    let loop: any EventLoop
    let director: Locked<any RequestDirector>
    let limits: GuestLimits
    private let onRecord: @Sendable (AccessRecord) -> Void
    private var connections: [ObjectIdentifier: EmulatedConnection] = [:]
    private var (requests, ticks) = (0, 0)
    private var ticking: RepeatedTask?
    private let dates: DateCache

    init(
        clock: any EmulatorClock, director: any RequestDirector, limits: GuestLimits,
        onRecord: @escaping @Sendable (AccessRecord) -> Void, loop: any EventLoop
    ) {
        (self.clock, self.limits, self.onRecord, self.loop) = (clock, limits, onRecord, loop)
        self.director = Locked(director)
        dates = DateCache(clock: { Date(timeIntervalSince1970: clock.wallTime) })
    }

    /// The time of the timeouts of connections, which are the server's and pass in real time.
    var now: Int { ticks }

    /// As the `Date` field has it.
    var date: String { dates.now }

    /// The number of the next request.
    func nextNumber() -> Int {
        requests += 1
        return requests
    }

    func record(_ record: AccessRecord) {
        onRecord(record)
        director.withLock { $0 }.ended(record)
    }

    // MARK: Connections

    /// - Returns: whether there may be one more.
    func add(_ connection: EmulatedConnection) -> Bool {
        guard connections.count < EmulatorServer.mostConnections else { return false }
        connections[ObjectIdentifier(connection)] = connection
        return true
    }

    func remove(_ connection: EmulatedConnection) { connections[ObjectIdentifier(connection)] = nil }

    /// Begins to look for timeouts; from any thread.
    func begin() {
        loop.execute { [self] in
            ticking = loop.scheduleRepeatedTask(initialDelay: Tick.interval, delay: Tick.interval) { [weak self] _ in
                guard let self else { return }
                ticks += 1
                for connection in Array(connections.values) { connection.tick() }
            }
        }
    }

    /// Ends all connections; from any thread.
    func end() async {
        try? await loop.submit { [self] in
            ticking?.cancel()
            for connection in Array(connections.values) { connection.end() }
        }.get()
    }
}
