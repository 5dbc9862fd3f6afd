public import Common

/// The only door to libvirt: one connection at a time, asked by one caller at a time, on a queue of its own because its calls
/// block.
///
/// Every call but `disconnect()` throws `invalidConnection` where there is no connection. A call to a daemon that hangs ends
/// with an error once keepalive messages stay unanswered: after the interval, times the count and one more.
public actor Hypervisor {
    /// What a connection is for.
    public enum Access: Sendable {
        /// All can be read, and events come.
        case reading
        /// Domains can be changed too; no event comes but the connection's own end.
        case writing

        var function: String { self == .reading ? "virConnectOpenReadOnly" : "virConnectOpen" }
        var kinds: [EventKind] { self == .reading ? EventKind.allCases : [.connectionLoss] }
    }

    private let executor = BlockingExecutor(label: "libvirt")
    private let uri: String
    private let access: Access
    private let keepalive: (interval: Int32, count: UInt32)
    private let openingLimit: Duration
    private let onHint: @Sendable (Hint) -> Void
    private var subscriptions: Subscriptions?
    /// An opening that we stopped waiting for; there is never a second one beside it.
    private var lateAttempt: ConnectionAttempt?

    /// The queue that all of this actor's work runs on.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Safe: the executor lives as long as this actor, which holds it in a constant.
        unsafe executor.asUnownedSerialExecutor()
    }

    /// A hypervisor, not yet connected.
    ///
    /// - Parameters:
    ///   - uri: where to connect to (https://libvirt.org/uri.html), such as `qemu:///system`.
    ///   - access: whether anything is to be changed.
    ///   - keepaliveInterval: the time between keepalive messages; libvirt counts whole seconds, at least one.
    ///   - keepaliveCount: how many of these may stay unanswered before the connection is given up.
    ///   - openingLimit: how long `connect()` waits for a daemon that accepts us but says nothing.
    ///   - onHint: called on libvirt's thread for each event, one at a time. It must return at once, wait for nothing, and not
    ///     own this actor.
    public init(
        uri: String, access: Access = .reading, keepaliveInterval: Duration = .seconds(2), keepaliveCount: Int = 3,
        openingLimit: Duration = .seconds(10), onHint: @escaping @Sendable (Hint) -> Void
    ) {
        (self.uri, self.access) = (uri, access)
        self.openingLimit = openingLimit
        self.onHint = onHint
        keepalive = (max(1, Int32(clamping: keepaliveInterval.components.seconds)), UInt32(clamping: keepaliveCount))
    }

    /// Connects, in place of any connection there was, and asks for all events that the driver has, if they are wanted.
    ///
    /// - Throws: what the C functions say, such as `noConnect`, `systemError`, `authFailed`; `operationTimeout` when the daemon
    ///   did not answer within the limit.
    public func connect() throws(LibvirtError) {
        disconnect()
        try EventLoop.ensureRunning()
        let connection = try open()
        let canBeLost = try connection.setKeepalive(interval: keepalive.interval, count: keepalive.count)
        subscriptions = try Subscriptions(to: access.kinds, on: connection, canBeLost: canBeLost, onHint: onHint)
    }

    /// Ends the connection, if there is one. No hint comes after this returns, until the next `connect()`.
    public func disconnect() {
        subscriptions = nil
    }

    /// Whether there is a connection and it is not known to be broken; asks nobody.
    public var isConnected: Bool {
        subscriptions?.connection.isAlive ?? false
    }

    /// The kinds of events that the present connection will not bring, each with libvirt's reason; empty without a connection.
    public var unavailableEvents: [EventKind: LibvirtError] {
        subscriptions?.unavailable ?? [:]
    }

    private func open() throws(LibvirtError) -> Connection {
        if let late = lateAttempt, let outcome = late.wait(atMost: .zero) {
            lateAttempt = nil
            if case .success(let connection) = outcome, connection.isAlive { return connection }
        }
        let attempt = lateAttempt ?? ConnectionAttempt(uri: uri, access: access)
        lateAttempt = nil
        guard let outcome = attempt.wait(atMost: openingLimit) else {
            lateAttempt = attempt
            throw LibvirtError(
                code: .operationTimeout, function: access.function, message: "no answer within \(openingLimit)")
        }
        return try outcome.get()
    }

    func connection() throws(LibvirtError) -> Connection {
        guard let connection = subscriptions?.connection else {
            throw LibvirtError(code: .invalidConnection, function: access.function, message: "not connected")
        }
        return connection
    }

    /// All domains that run now, paused ones too, in no order.
    public func runningDomains() throws(LibvirtError) -> [DomainReference] {
        try connection().runningDomains()
    }

    /// A running domain; `nil` if it is unknown or does not run.
    ///
    /// - Parameters:
    ///   - uuid: the UUID, in either case.
    ///   - edited: whether the XML for the next start is wanted too.
    public func domain(uuid: String, edited: Bool) throws(LibvirtError) -> DomainDescription? {
        let description = try describe(edited: edited) { connection throws(LibvirtError) in try connection.domain(uuid: uuid) }
        return description?.isRunning == true ? description : nil
    }

    /// A domain, running or only defined, that a person named by its name, else its UUID, else the number of its run.
    ///
    /// - Parameters:
    ///   - text: what the person wrote.
    ///   - edited: whether the XML for the next start is wanted too.
    public func findDomain(_ text: String, edited: Bool) throws(LibvirtError) -> DomainDescription? {
        try describe(edited: edited) { connection throws(LibvirtError) in
            if let domain = try connection.domain(named: text) { return domain }
            if let domain = try connection.domain(uuid: text) { return domain }
            guard let id = Int32(text) else { return nil }
            return try connection.domain(id: id)
        }
    }

    private func describe(
        edited: Bool, _ lookup: (Connection) throws(LibvirtError) -> Domain?
    ) throws(LibvirtError) -> DomainDescription? {
        let connection = try connection()
        do throws(LibvirtError) {
            guard let domain = try lookup(connection) else { return nil }
            return try domain.describe(edited: edited)
        } catch {
            // The domain may go between two calls; that is the same as if it had gone before the first.
            guard error.code == .noDomain else { throw error }
            return nil
        }
    }

    /// Puts an element into a domain's metadata, or takes it out, where what stands there allows that: in the running domain and
    /// in its definition, whichever there are.
    ///
    /// Nothing that this object is asked comes between the look and the change.
    ///
    /// - Parameters:
    ///   - element: the element without a namespace, which libvirt adds; `nil` takes it out.
    ///   - namespace: its namespace, which the element alone is in.
    ///   - prefix: how libvirt writes the namespace.
    ///   - uuid: the domain's, in either case.
    ///   - allows: whether the change may be made, given what stands there now (`nil` for nothing): in the running domain, if it
    ///     runs. libvirt leaves the namespace out of it.
    /// - Throws: `operationDenied` where the connection is for reading, and what the C functions say.
    public func setMetadata(
        to element: String?, namespace: String, prefix: String, ofDomain uuid: String, where allows: @Sendable (String?) -> Bool
    ) throws(LibvirtError) -> MetadataChange {
        let connection = try connection()
        do throws(LibvirtError) {
            guard let domain = try connection.domain(uuid: uuid) else { return .noDomain }
            let isRunning = try domain.isRunning()
            guard allows(try domain.metadata(namespace: namespace, live: isRunning)) else { return .notAllowed }
            try domain.setMetadata(
                to: element, namespace: namespace, prefix: prefix, live: isRunning, persistent: try domain.isPersistent())
            return .made
        } catch {
            // As above: it may go between two calls.
            guard error.code == .noDomain else { throw error }
            return .noDomain
        }
    }

    /// All active networks, in no order; none where the driver has no networks.
    public func networks() throws(LibvirtError) -> [NetworkDescription] {
        try connection().networks()
    }

    /// An active network; `nil` if it is unknown or inactive.
    public func network(named name: String) throws(LibvirtError) -> NetworkDescription? {
        try activeNetwork(name) { network throws(LibvirtError) in try network.describe() }
    }

    /// The addresses that DHCP gave on networks, by hardware address. A network whose leases cannot be read has none.
    public func leasedAddresses(on networks: [NetworkDescription]) -> [MACAddress: [IPAddress]] {
        var addresses: [MACAddress: [IPAddress]] = [:]
        for network in networks {
            for lease in (try? leases(network: network.name)) ?? [] { addresses[lease.mac, default: []].append(lease.address) }
        }
        return addresses
    }

    /// The DHCP leases of an active network; none if it is unknown or inactive, or the driver does not know leases.
    ///
    /// - Parameter network: the network's name.
    public func leases(network: String) throws(LibvirtError) -> [Lease] {
        try activeNetwork(network) { network throws(LibvirtError) in try network.leases() } ?? []
    }

    private func activeNetwork<Value>(
        _ name: String, _ read: (borrowing Network) throws(LibvirtError) -> Value
    ) throws(LibvirtError) -> Value? {
        let connection = try connection()
        do throws(LibvirtError) {
            guard let network = try connection.network(named: name), try network.isActive() else { return nil }
            return try read(network)
        } catch {
            // As with domains: it may go between two calls.
            guard error.code == .noNetwork else { throw error }
            return nil
        }
    }
}
