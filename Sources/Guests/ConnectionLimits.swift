package import Common
import NIOCore

/// Counts open connections and held requests, and keeps each client's rate limit and memory: over all threads together, so
/// that a limit is the same however many there are.
package final class ConnectionLimits: Sendable {
    /// The subject that connections are counted for, which a guest cannot choose. Through its bridge port a guest can send any
    /// MAC address, so the port counts; where no port is known the MAC address counts, because one guest may have any
    /// number of IP addresses.
    package enum Key: Hashable, Sendable {
        case port(String)
        case mac(MACAddress)
        case address(IPAddress)

        init(_ client: Client) {
            if case .port(let port, _, _, _) = client.entrance {
                self = .port(port)
            } else {
                self = client.mac.map(Self.mac) ?? .address(client.address)
            }
        }

        var isPort: Bool {
            if case .port = self { true } else { false }
        }
    }

    /// A limit that a client has met.
    package enum Exceeded: Equatable, Sendable {
        /// The client's own limits.
        case connections, connectionRate, heldRequests, requests, waitingRequests, memory, slowReading
        /// Limits of all clients together.
        case allConnections, allHeldRequests

        /// Whether the limit is shared by all clients, and so says nothing about the client that met it.
        var isOfAll: Bool { self == .allConnections || self == .allHeldRequests }
    }

    /// An open connection, as it was counted.
    package struct Slot: Sendable {
        fileprivate let client: Key?
        /// The client's rate limit; `nil` for a peer that stands for many clients.
        let rateLimit: RateLimit?
    }

    /// The current counts of one client.
    private struct Account {
        let rateLimit: RateLimit
        var connections = 0
        var held = 0
    }

    private struct Counts {
        var connections = 0
        /// Connections of clients without a port.
        var withoutPort = 0
        var held = 0
        /// Clients with open connections, and others until there are too many of them: their rate limits are remembered.
        var accounts: [Key: Account] = [:]
        /// When to drop the accounts that hold nothing worth remembering.
        var limit = TableLimit(fewest: 64)
    }

    /// How many connections a port may open although ``GuestLimits/connections`` are open: a cloud agent opens one or two at a
    /// time, and other programs of the guest as many.
    static let reservedPerPort = 8

    /// The memory that guests' connections take.
    let memory = GuestMemory()
    private let limits: GuestLimits
    private let onLimit: @Sendable (Key?, Exceeded) -> Void
    private let counts = Locked(Counts())

    /// - Parameter onLimit: called each time that a limit is met, with the client; a peer that stands for many is passed as
    ///   `nil`.
    init(limits: GuestLimits, onLimit: @escaping @Sendable (Key?, Exceeded) -> Void) {
        (self.limits, self.onLimit) = (limits, onLimit)
    }

    /// Counts a connection; `nil`, without counting it, if there are too many in all or of this client.
    ///
    /// - Parameter client: the client of the connection; `nil` for a peer that stands for many clients.
    func admit(_ client: Key?) -> Slot? {
        let (slot, exceeded): (Slot?, Exceeded?) = counts.withLock { counts in
            var account = client.map { counts.accounts[$0] ?? Account(rateLimit: RateLimit(limits.rates)) }
            let own = account?.connections ?? 0
            if account != nil, own >= limits.connectionsPerClient { return (nil, .connections) }
            guard hasCapacity(for: client, with: own, in: counts) else { return (nil, .allConnections) }
            counts.connections += 1
            if client?.isPort != true { counts.withoutPort += 1 }
            account?.connections += 1
            if let client, let account {
                counts.accounts[client] = account
                Self.dropIdle(in: &counts)
            }
            return (Slot(client: client, rateLimit: account?.rateLimit), nil)
        }
        if let exceeded { onLimit(client, exceeded) }
        return slot
    }

    private func hasCapacity(for client: Key?, with own: Int, in counts: Counts) -> Bool {
        guard client?.isPort == true else {
            return counts.connections < limits.connections && counts.withoutPort < limits.connectionsWithoutPort
        }
        if counts.connections < limits.connections { return true }
        return own < Self.reservedPerPort && counts.connections < limits.connections + limits.reservedConnections
    }

    /// Stops counting an admitted connection.
    func release(_ slot: Slot) {
        counts.withLock { counts in
            counts.connections -= 1
            if slot.client?.isPort != true { counts.withoutPort -= 1 }
            if let client = slot.client { counts.accounts[client]?.connections -= 1 }
        }
    }

    /// Counts a held request; `false`, without counting it, if there are too many in all or of this client.
    func beginHolding(_ slot: Slot) -> Bool {
        let exceeded: Exceeded? = counts.withLock { counts in
            if let client = slot.client, (counts.accounts[client]?.held ?? 0) >= limits.heldPerClient { return .heldRequests }
            guard counts.held < limits.heldRequests else { return .allHeldRequests }
            if let client = slot.client { counts.accounts[client]?.held += 1 }
            counts.held += 1
            return nil
        }
        if let exceeded { onLimit(slot.client, exceeded) }
        return exceeded == nil
    }

    /// Stops counting a held request.
    func endHolding(_ slot: Slot) {
        counts.withLock { counts in
            counts.held -= 1
            if let client = slot.client { counts.accounts[client]?.held -= 1 }
        }
    }

    /// Counts a request.
    ///
    /// - Returns: `nil` where the client may send it now; otherwise the number of seconds after which it may.
    func takeRequest(_ slot: Slot, at time: NIODeadline = .now()) -> Int? {
        guard let seconds = slot.rateLimit?.takeRequest(at: time) else { return nil }
        note(.requests, by: slot)
        return seconds
    }

    /// Reports that a connection has met a limit of its own.
    package func note(_ exceeded: Exceeded, by slot: Slot) { onLimit(slot.client, exceeded) }

    /// Whether a listening socket may accept another connection now; where it may not, its port has met a limit.
    func allowsConnection(of scope: ListenScope, at time: NIODeadline) -> Bool {
        guard case .port(let port) = scope, let rate = port.connectionRate, !rate.allowsConnection(at: time) else { return true }
        onLimit(.port(port.port), .connectionRate)
        return false
    }

    /// How many connections are open now, and how many requests are held.
    var present: (connections: Int, held: Int) { counts.withLock { ($0.connections, $0.held) } }

    /// How many clients have an account.
    var remembered: Int { counts.withLock { $0.accounts.count } }

    private static func dropIdle(in counts: inout Counts) {
        guard counts.limit.isReached(by: counts.accounts.count) else { return }
        let now = NIODeadline.now()
        counts.limit.tidy(&counts.accounts) { _, account in
            account.connections > 0 || account.held > 0 || !account.rateLimit.isFull(at: now)
        }
    }
}
