import Common

/// Requests to read a network's leases again, passed on once in a while: a guest with an address from elsewhere than DHCP would
/// otherwise wake the inventory with every request.
final class LeaseRequests: Sendable {
    /// How long a network is not requested again.
    static let pause = Duration.seconds(1)
    /// How many networks are remembered; beyond that all are dropped, and each can be requested once more.
    private static let most = 1024

    private struct Key: Hashable {
        let network: LibvirtName
        let host: HostNumber
    }

    private let now: @Sendable () -> PacedClock.Instant
    private let pass: @Sendable (_ network: LibvirtName, _ host: HostNumber) -> Void
    private let requested = Locked<[Key: PacedClock.Instant]>([:])

    /// - Parameter pass: has the leases read.
    init(
        now: @escaping @Sendable () -> PacedClock.Instant,
        _ pass: @escaping @Sendable (_ network: LibvirtName, _ host: HostNumber) -> Void
    ) {
        (self.now, self.pass) = (now, pass)
    }

    /// Requests a network's leases, unless they were requested a moment ago.
    @Sendable func want(_ network: LibvirtName, _ host: HostNumber) {
        let (key, time) = (Key(network: network, host: host), now())
        let isDue = requested.withLock { requested in
            if let last = requested[key], last.duration(to: time) < Self.pause { return false }
            if requested.count >= Self.most { requested = [:] }
            requested[key] = time
            return true
        }
        if isDue { pass(network, host) }
    }
}
