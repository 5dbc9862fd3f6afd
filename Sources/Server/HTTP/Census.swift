import Common
import Synchronization

/// How many connections are open, whose they are, and how many requests are held: on all event loops together, so that a limit
/// is the same however many there are.
final class Census: Sendable {
    /// Who connections are counted for: the hardware address where it is known, for one guest may have any number of the others.
    enum Caller: Hashable, Sendable {
        case mac(MACAddress)
        case address(IPAddress)

        init(_ caller: Common.Caller) {
            self = caller.mac.map(Self.mac) ?? .address(caller.address)
        }
    }

    private struct Counts {
        var connections = 0
        var callers: [Caller: Int] = [:]
        var held = 0
    }

    private let limits: Configuration.Limits
    private let counts = Mutex(Counts())

    init(limits: Configuration.Limits) {
        self.limits = limits
    }

    /// Counts a connection; false if there are too many, in all or of this caller's, and then it is not counted.
    ///
    /// - Parameter caller: whose it is; `nil` for a peer that stands for many callers.
    func admit(_ caller: Caller?) -> Bool {
        counts.withLock { counts in
            guard counts.connections < limits.connections else { return false }
            if let caller {
                guard counts.callers[caller, default: 0] < limits.connectionsPerCaller else { return false }
                counts.callers[caller, default: 0] += 1
            }
            counts.connections += 1
            return true
        }
    }

    /// Counts a connection no longer that was admitted.
    func dismiss(_ caller: Caller?) {
        counts.withLock { counts in
            counts.connections -= 1
            guard let caller else { return }
            let left = counts.callers[caller, default: 0] - 1
            counts.callers[caller] = left > 0 ? left : nil
        }
    }

    /// Counts a held request; false if there are too many, and then it is not counted.
    func beginHolding() -> Bool {
        counts.withLock { counts in
            guard counts.held < limits.heldRequests else { return false }
            counts.held += 1
            return true
        }
    }

    /// A request is held no longer.
    func endHolding() {
        counts.withLock { $0.held -= 1 }
    }
}
