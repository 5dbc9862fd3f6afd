package import Common

/// The only access to libvirt: one connection at a time, one call at a time, on a queue of its own because the calls block.
///
/// Every call but `disconnect()` throws `invalidConnection` where there is no connection. A call to a daemon that hangs ends
/// with an error once keepalive messages stay unanswered: after the interval, times the count and one more. A daemon that has
/// locked a domain, such as one whose start hangs, answers them: calls that read throw `operationTimeout` after a limit.
package actor Hypervisor {
    package enum Access: Sendable {
        /// Read-only, with events.
        case reading
        /// Domains can be changed too; of the events only the loss of the connection.
        case writing

        var function: String { self == .reading ? "virConnectOpenReadOnly" : "virConnectOpen" }
        var kinds: [EventKind] { self == .reading ? EventKind.allCases : [.connectionLoss] }
    }

    private let executor = BlockingExecutor(label: "libvirt")
    private let uri: String
    private let access: Access
    private let keepalive: (interval: Int32, count: UInt32)
    private let openingLimit: Duration
    private let answerLimit: Duration
    private let onHint: @Sendable (Hint) -> Void
    private var subscriptions: Subscriptions?
    /// An attempt that timed out; there is never a second attempt at the same time.
    private var lateAttempt: DetachedCall<Connection>?
    /// The calls that timed out, by what they read, each as whether it has ended. There is never a second one for the same: each
    /// takes a thread of the daemon.
    private var late: [ReadCall: @Sendable () -> Bool] = [:]
    /// One less than the daemon handles for a client at a time (`max_client_requests` of libvirtd.conf).
    private static let mostLate = 4

    /// The queue that all of this actor's work runs on.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        // Safe: the executor lives as long as this actor, which holds it in a constant.
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Does not connect yet.
    ///
    /// - Parameters:
    ///   - uri: libvirt's connection URI (https://libvirt.org/uri.html), such as `qemu:///system`.
    ///   - access: read-only or read-write.
    ///   - keepaliveInterval: the time between keepalive messages; libvirt counts whole seconds, at least one.
    ///   - keepaliveCount: how many of these may stay unanswered before the connection is closed.
    ///   - openingLimit: how long `connect()` waits for a daemon that accepts the connection but does not answer.
    ///   - answerLimit: how long a call that reads waits for an answer.
    ///   - onHint: called on libvirt's thread for each event, one at a time. It must return at once, wait for nothing, and not
    ///     own this actor.
    package init(
        uri: String, access: Access = .reading, keepaliveInterval: Duration = .seconds(2), keepaliveCount: Int = 3,
        openingLimit: Duration = .seconds(10), answerLimit: Duration = .seconds(15), onHint: @escaping @Sendable (Hint) -> Void
    ) {
        (self.uri, self.access) = (uri, access)
        (self.openingLimit, self.answerLimit) = (openingLimit, answerLimit)
        self.onHint = onHint
        keepalive = (max(1, Int32(clamping: keepaliveInterval.components.seconds)), UInt32(clamping: keepaliveCount))
    }

    /// Connects, in place of an existing connection, and registers for the events of this access that the driver supports.
    ///
    /// - Throws: the errors of the C functions, such as `noConnect`, `systemError`, `authFailed`; `operationTimeout` when the
    ///   daemon did not answer within the limit.
    package func connect() throws(LibvirtError) {
        disconnect()
        try EventLoop.ensureRunning()
        let connection = try open()
        let canBeLost = try connection.setKeepalive(interval: keepalive.interval, count: keepalive.count)
        subscriptions = try Subscriptions(to: access.kinds, on: connection, canBeLost: canBeLost, onHint: onHint)
    }

    /// Closes the connection, if there is one. No hint follows after this returns, until the next `connect()`.
    package func disconnect() {
        subscriptions = nil
    }

    /// Whether there is a connection that is not known to be lost; makes no call to the daemon.
    package var isConnected: Bool {
        subscriptions?.connection.isAlive ?? false
    }

    /// The kinds of events that the present connection does not support, each with libvirt's reason; empty without a connection.
    package var unavailableEvents: [EventKind: LibvirtError] {
        subscriptions?.unavailable ?? [:]
    }

    private func open() throws(LibvirtError) -> Connection {
        if let late = lateAttempt, let outcome = late.wait(atMost: .zero) {
            lateAttempt = nil
            if case .success(let connection) = outcome, connection.isAlive { return connection }
        }
        let attempt =
            lateAttempt
            ?? DetachedCall { [uri, access] () throws(LibvirtError) in try Connection(opening: uri, for: access) }
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

    /// Makes a call that reads, and waits for its answer until the limit.
    func answer<Value: Sendable>(
        to call: ReadCall, _ body: @escaping @Sendable (Connection) throws(LibvirtError) -> Value
    ) throws(LibvirtError) -> Value {
        let connection = try connection()
        late = late.filter { !$0.value() }
        if late[call] == nil, late.count < Self.mostLate {
            let made = DetachedCall { () throws(LibvirtError) in try body(connection) }
            if let outcome = made.wait(atMost: answerLimit) { return try outcome.get() }
            late[call] = { made.wait(atMost: .zero) != nil }
        }
        throw LibvirtError(
            code: .operationTimeout, function: call.function,
            message: "no answer within \(answerLimit); libvirt may wait for the start of a domain, or for its storage")
    }

    /// All running domains, including paused ones, in no order.
    package func runningDomains() throws(LibvirtError) -> [DomainReference] {
        try answer(to: .runningDomains) { connection throws(LibvirtError) in try connection.runningDomains() }
    }

    /// A running domain; `nil` if it does not exist or does not run, even if its definition cannot be read.
    ///
    /// - Parameter edited: whether to read the XML for the next start too.
    package func domain(uuid: InstanceUUID, edited: Bool) throws(LibvirtError) -> DomainDescription? {
        try reading(.domain("\(uuid)")) { connection throws(LibvirtError) in
            try connection.domain(uuid: uuid)?.describeRunning(edited: edited)
        }
    }

    /// A listed domain, running or only defined; `nil` if it no longer exists.
    ///
    /// - Parameter edited: whether to read the XML for the next start too.
    package func domain(_ listed: DomainReference, edited: Bool) throws(LibvirtError) -> DomainDescription? {
        try reading(.domain("\(listed.uuid)")) { connection throws(LibvirtError) in
            try connection.domain(uuid: listed.uuid)?.describe(edited: edited)
        }
    }

    /// The domain, running or only defined, that an operator's argument names: a UUID, else a name, else an ID.
    ///
    /// - Parameters:
    ///   - text: the argument.
    ///   - edited: whether to read the XML for the next start too.
    package func findDomain(_ text: String, edited: Bool) throws(LibvirtError) -> DomainDescription? {
        try reading(.domain(text)) { connection throws(LibvirtError) in
            // A domain whose name is another's UUID does not precede it.
            if let uuid = InstanceUUID(text), let domain = try connection.domain(uuid: uuid) {
                return try domain.describe(edited: edited)
            }
            if let domain = try connection.domain(named: text) { return try domain.describe(edited: edited) }
            return try Int32(text).flatMap { id throws(LibvirtError) in try connection.domain(id: id)?.describe(edited: edited) }
        }
    }

    private func reading(
        _ call: ReadCall, _ read: @escaping @Sendable (Connection) throws(LibvirtError) -> DomainDescription?
    ) throws(LibvirtError) -> DomainDescription? {
        do throws(LibvirtError) {
            return try answer(to: call, read)
        } catch {
            // The domain may disappear between two calls; the result is the same as if it had disappeared before the first.
            guard error.code == .noDomain else { throw error }
            return nil
        }
    }

    /// Writes or removes an element of a domain's metadata, if the present element allows it: in the running domain and in its
    /// definition, as far as they exist.
    ///
    /// No other call of this actor runs between the check and the change.
    ///
    /// - Parameters:
    ///   - element: the element without a namespace, which libvirt adds; `nil` removes it.
    ///   - namespace: the namespace of this element only.
    ///   - prefix: the prefix with which libvirt writes the namespace.
    ///   - uuid: the domain's.
    ///   - allows: whether the present element (`nil` for none), without its namespace, allows the change: that of the running
    ///     domain, if it runs.
    /// - Throws: `operationDenied` where the connection is read-only, and the errors of the C functions.
    package func setMetadata(
        to element: String?, namespace: String, prefix: String, ofDomain uuid: InstanceUUID,
        where allows: @Sendable (String?) -> Bool
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
            // As above: the domain may disappear between two calls.
            guard error.code == .noDomain else { throw error }
            return .noDomain
        }
    }

    /// All active networks, in no order; none where the driver has no networks.
    ///
    /// - Throws: the error of a lost connection, with which none of them can be read.
    package func networks() throws(LibvirtError) -> ActiveNetworks {
        let networks = try answer(to: .networks) { connection throws(LibvirtError) in try connection.networks() }
        if let error = networks.unreadable.values.first, !isConnected { throw error }
        return networks
    }

    /// The names of all active networks, in no order; none where the driver has no networks.
    package func networkNames() throws(LibvirtError) -> [LibvirtName] {
        try answer(to: .networks) { connection throws(LibvirtError) in try connection.networkNames() }
    }

    /// An active network; `nil` if it does not exist or is inactive.
    package func network(named name: LibvirtName) throws(LibvirtError) -> NetworkDescription? {
        try activeNetwork(name, .network(name)) { network throws(LibvirtError) in try network.describe() }
    }

    /// The DHCP addresses on networks, by MAC address. A network whose leases cannot be read has none.
    package func leasedAddresses(on networks: [NetworkDescription]) -> [MACAddress: [IPAddress]] {
        var addresses: [MACAddress: [IPAddress]] = [:]
        for network in networks {
            for lease in (try? leases(network: network.name)) ?? [] { addresses[lease.mac, default: []].append(lease.address) }
        }
        return addresses
    }

    /// The DHCP leases of an active network; none if it does not exist or is inactive, or the driver does not support leases.
    package func leases(network: LibvirtName) throws(LibvirtError) -> [Lease] {
        try activeNetwork(network, .leases(network)) { network throws(LibvirtError) in try network.leases() } ?? []
    }

    private func activeNetwork<Value>(
        _ name: LibvirtName, _ call: ReadCall, _ read: @escaping @Sendable (borrowing Network) throws(LibvirtError) -> Value
    ) throws(LibvirtError) -> Value? where Value: Sendable {
        do throws(LibvirtError) {
            return try answer(to: call) { connection throws(LibvirtError) in
                guard let network = try connection.network(named: name), try network.isActive() else { return nil }
                return try read(network)
            }
        } catch {
            // As with domains: the network may disappear between two calls.
            guard error.code == .noNetwork else { throw error }
            return nil
        }
    }
}
