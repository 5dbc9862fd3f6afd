import Common
import NIOCore

/// How many connections are open, whose they are, how many requests are held, and what each caller has asked for: on all event loops
/// together, so that a limit is the same however many there are.
final class Census: Sendable {
    /// Who connections are counted for: the hardware address where it is known, for one guest may have any number of the others.
    enum Caller: Hashable, Sendable {
        case mac(MACAddress)
        case address(IPAddress)

        init(_ caller: Common.Caller) {
            self = caller.mac.map(Self.mac) ?? .address(caller.address)
        }
    }

    /// A limit that a caller has met.
    enum Excess: Equatable, Sendable {
        case connections, heldRequests, requests
    }

    /// The place of a connection among those that are open.
    struct Seat: Sendable {
        fileprivate let caller: Caller?
        /// What its caller may ask for in a while; `nil` for a peer that stands for many callers.
        let allowance: Allowance?
    }

    /// What one caller has at the moment.
    private struct Account {
        let allowance: Allowance
        var connections = 0
        var held = 0
    }

    private struct Counts {
        var connections = 0
        var held = 0
        /// Of those who have something, and of others until there are too many of them: what they have taken is remembered.
        var accounts: [Caller: Account] = [:]
        /// When those are forgotten of which there is nothing to remember.
        var limit = TableLimit(fewest: 64)
    }

    private let limits: Configuration.Limits
    private let onExcess: @Sendable (Caller, Excess) -> Void
    private let counts = Locked(Counts())

    /// - Parameter onExcess: told of each caller that meets a limit of its own, each time.
    init(limits: Configuration.Limits, onExcess: @escaping @Sendable (Caller, Excess) -> Void) {
        (self.limits, self.onExcess) = (limits, onExcess)
    }

    /// Counts a connection; `nil` if there are too many, in all or of this caller's, and then it is not counted.
    ///
    /// - Parameter caller: whose it is; `nil` for a peer that stands for many callers.
    func admit(_ caller: Caller?) -> Seat? {
        let (seat, isExcess): (Seat?, Bool) = counts.withLock { counts in
            guard counts.connections < limits.connections else { return (nil, false) }
            guard let caller else {
                counts.connections += 1
                return (Seat(caller: nil, allowance: nil), false)
            }
            var account = counts.accounts[caller] ?? Account(allowance: Allowance(limits.rates))
            guard account.connections < limits.connectionsPerCaller else { return (nil, true) }
            account.connections += 1
            counts.connections += 1
            counts.accounts[caller] = account
            Self.forget(in: &counts)
            return (Seat(caller: caller, allowance: account.allowance), false)
        }
        if isExcess, let caller { onExcess(caller, .connections) }
        return seat
    }

    /// Counts a connection no longer that was admitted.
    func dismiss(_ seat: Seat) {
        counts.withLock { counts in
            counts.connections -= 1
            if let caller = seat.caller { counts.accounts[caller]?.connections -= 1 }
        }
    }

    /// Counts a held request; false if there are too many, in all or of this caller's, and then it is not counted.
    func beginHolding(_ seat: Seat) -> Bool {
        let (isCounted, isExcess) = counts.withLock { counts in
            guard counts.held < limits.heldRequests else { return (false, false) }
            if let caller = seat.caller {
                guard (counts.accounts[caller]?.held ?? 0) < limits.heldPerCaller else {
                    return (false, true)
                }
                counts.accounts[caller]?.held += 1
            }
            counts.held += 1
            return (true, false)
        }
        if isExcess, let caller = seat.caller { onExcess(caller, .heldRequests) }
        return isCounted
    }

    /// A request is held no longer.
    func endHolding(_ seat: Seat) {
        counts.withLock { counts in
            counts.held -= 1
            if let caller = seat.caller { counts.accounts[caller]?.held -= 1 }
        }
    }

    /// Counts a request.
    ///
    /// - Returns: `nil` where its caller may ask it now; else in how many seconds it may.
    func takeRequest(_ seat: Seat, at time: NIODeadline = .now()) -> Int? {
        guard let seconds = seat.allowance?.takeRequest(at: time) else { return nil }
        if let caller = seat.caller { onExcess(caller, .requests) }
        return seconds
    }

    /// How many connections are open now, and how many requests are held.
    var present: (connections: Int, held: Int) { counts.withLock { ($0.connections, $0.held) } }

    /// How many callers there are accounts of.
    var remembered: Int { counts.withLock { $0.accounts.count } }

    private static func forget(in counts: inout Counts) {
        guard counts.limit.isReached(by: counts.accounts.count) else { return }
        let now = NIODeadline.now()
        counts.limit.tidy(&counts.accounts) { _, account in
            account.connections > 0 || account.held > 0 || !account.allowance.isWhole(at: now)
        }
    }
}

extension Census.Caller: CustomStringConvertible {
    /// The address that it is told apart by.
    var description: String {
        switch self {
        case .mac(let mac): "\(mac)"
        case .address(let address): "\(address)"
        }
    }
}
