import Admin
import Common
package import Configuration
import FoundationEssentials
import Guests
import Host
import Identity
import Interception
import Inventory
import Logging
import NIOCore
import Netlink
import ServiceLifecycle
import UnixSignals
import VendorData

/// Builds the objects of the server from a configuration, connects them, and runs them until a signal.
package struct Wiring {
    /// Open files besides connections: listeners, threads, netlink sockets, logs.
    private static let otherFiles = 128
    /// The listening sockets of guests' ports, where bridges are served: two for each interface of 256 guests with two. More than
    /// these reduce the number of connections.
    private static let filesOfPorts = 1024
    /// The open files of each hypervisor's connection, including those of a program that it may go through.
    private static let filesOfHypervisor = 8

    /// How much freed memory the process keeps, in bytes: as much as a moment's requests need, and not as a start takes.
    private static let spareMemory: Int32 = 64 << 10

    private let configuration: Configuration
    private let clock: PacedClock
    private let logger: Logger
    private let threshold: LogThreshold
    private let lastError: LastError
    private let reload: (@Sendable () throws(ConfigurationError) -> Configuration)?

    /// - Parameters:
    ///   - clock: drives the server's own timers, except those of NIO and libvirt.
    ///   - reload: reads the configuration again; `nil` where SIGHUP is not handled.
    package init(
        _ configuration: Configuration, clock: PacedClock = PacedClock(),
        reload: (@Sendable () throws(ConfigurationError) -> Configuration)? = nil
    ) {
        (self.configuration, self.clock, self.reload) = (configuration, clock, reload)
        let threshold = LogThreshold(configuration.logLevel)
        let lastError = LastError()
        let ground = Logger(label: "virt-metadata").handler
        logger = Logger(label: "virt-metadata") { _ in ThresholdLogHandler(ground, threshold, lastError: lastError) }
        (self.threshold, self.lastError) = (threshold, lastError)
    }

    package func run() async throws {
        try Demotion.dropRoot(configuration)
        FreedMemory.keep(atMost: Self.spareMemory)
        // First of all: it needs a descriptor below 1,024, and a host that another server serves is left alone.
        let host = try configuration.followsBridges() ? HostResources(configuration, logger: logger) : nil
        SharedValueLog.write(configuration.defaults, to: logger)
        let board = SnapshotBoard()
        let inventory = InventoryService(
            uris: configuration.connect, edited: configuration.edited, defaults: configuration.defaults,
            sweepInterval: configuration.sweepInterval, board: board,
            clock: clock, logger: logger)
        // Before the inventory begins: an address that cannot be listened on is reported at once, whatever libvirt does.
        let keepers = configuration.allowsPasswords ? makePasswordKeepers(board, reread: { inventory.reread($0, on: $1) }) : []
        let passwords = GuestPasswords(keeper: keep(keepers), logger: logger)
        let targets = configuration.makeVendorDataTargets(logger: logger, now: now)
        let secrets = try configuration.loadSecrets(logger)
        let tokens = SessionTokens(authority: secrets.tokens, clock: clock.tokens, policy: configuration.sessions)
        let listener = try await makeListener(
            board: board, secrets: secrets, tokens: tokens, passwords: passwords, targets: targets,
            wantLeases: LeaseRequests(now: now) { inventory.wantLeases(of: $0, on: $1) }.want)
        let opened = try await open(listener)
        let bridges = host.map { _ in BridgeStatusBoard() }
        let status = ServerStatus(
            board: board, hypervisors: { inventory.hypervisors }, bridges: bridges,
            selection: configuration.interception.selection,
            lastError: lastError)
        let admin = try await makeAdmin(listener, status)
        // Before readiness is announced, because until then the signal ends the process.
        let notices = ManagerNotices(
            environment: ProcessInfo.processInfo.environment, listener: listener, status: status, logger: logger)
        let reloading = await makeReloading(inventory, tokens, notices)
        Demotion.warnAboutRoot(configuration, logger: logger)
        let announcement = Announcement(configuration, addresses: opened, logger: logger)
        let roll = ServiceRoll()
        var services: [any Service] = [
            roll.named("announcement", announcement),
            roll.named("inventory", inventory),
            roll.named("memory upkeep", MemoryUpkeep(interval: configuration.sweepInterval, clock: clock)),
        ]
        services += keepers.map { roll.named("password keeper", $0) }
        services.append(roll.named("admin listener", admin))
        if let reloading { services.append(roll.named("reloading", reloading)) }
        if let host {
            let interceptor = Interceptor(
                configuration.interception, file: host.takeFile(), host: ThisHost(tables: host.tables, listener: listener),
                board: board, status: bridges ?? BridgeStatusBoard(), reread: { inventory.rereadFirst($0) }, logger: logger)
            await interceptor.lookAtLinks()
            if configuration.leavesBridgesOpen {
                services.append(roll.named("release at end", ReleaseAtEnd(interceptor: interceptor)))
            }
            services.append(roll.named("guest listener", listener))
            let interception = InterceptionService(interceptor: interceptor, board: board, events: host.events, logger: logger)
            services.append(roll.named("interception", interception))
        } else {
            services.append(roll.named("guest listener", listener))
        }
        // After all other services, and so when they have begun.
        if let notices { services.append(roll.named("service manager notices", notices)) }
        // Services stop in the opposite order, each when the next one has stopped: first new connections end, then the last
        // replies leave.
        services.append(Deadline(roll: roll, logger: logger))
        let all = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        try await ServiceGroup(configuration: all).run()
        announcement.logStop(bridges)
    }

    private func makeAdmin(_ listener: GuestListener, _ status: ServerStatus) async throws -> AdminListener {
        let registry = listener.responder.events.watch.metrics.registry
        ProcessMetrics.add(to: registry)
        ServerGauges(listener: listener, hypervisors: status.hypervisors, bridges: status.bridges, started: .now).add(
            to: registry)
        let responder = AdminResponder(responder: listener.responder, status: status, listener: listener)
        let admin = AdminListener(responder, logger: logger)
        try await admin.open(configuration)
        if let address = admin.address {
            logger.info("metrics endpoint listening", metadata: ["url": "http://\(address.inBrackets)/metrics"])
        }
        return admin
    }

    private func makeReloading(
        _ inventory: InventoryService<PacedClock>, _ tokens: SessionTokens, _ notices: ManagerNotices?
    ) async -> Reloading? {
        guard let reload else { return nil }
        return await Reloading(configuration, load: reload, notices: notices, logger: logger) { [threshold, logger] new in
            threshold.level = new.logLevel
            tokens.policy.replace(by: new.sessions)
            SharedValueLog.write(new.defaults, to: logger)
            inventory.replaceDefaults(by: new.defaults)
        }
    }

    private var now: @Sendable () -> PacedClock.Instant { { [clock] in clock.now } }

    /// How many files may be open at one time.
    static func mostFiles(_ configuration: Configuration) throws(ConfigurationError) -> Int {
        let limits = try limits(of: configuration)
        return limits.connections + limits.reservedConnections + otherFiles + (limits.servesBridges ? filesOfPorts : 0)
            + filesOfHypervisor * configuration.connect.count
    }

    /// The limits of a configuration, with the reserve for ports where bridges are served.
    private static func limits(of configuration: Configuration) throws(ConfigurationError) -> GuestLimits {
        var limits = configuration.limits
        limits.servesBridges = try configuration.followsBridges()
        return limits
    }

    /// The limits, with as many connections as there are descriptors besides the server's own; the reserve shrinks with them.
    private func affordableLimits() throws(ConfigurationError) -> GuestLimits {
        var limits = try Self.limits(of: configuration)
        let wanted = try Self.mostFiles(configuration)
        let missing = max(0, wanted - FileDescriptors.allow(wanted))
        let all = limits.connections + limits.reservedConnections
        let most = missing == 0 ? limits.connections : max(1, (all - missing) * limits.connections / all)
        if most < limits.connections {
            logger.warning(
                "the limit of open files is too low for max-connections; serving fewer connections",
                metadata: [
                    "connections": "\(most)", "wanted": "\(limits.connections)", "setting": "max-connections",
                    "hint": "raise LimitNOFILE, or: ulimit -Hn",
                ])
            limits.connections = most
        }
        return limits
    }

    private func open(_ listener: GuestListener) async throws -> [SocketAddress] {
        var opened: [SocketAddress] = []
        for address in configuration.listen {
            do throws(ListenError) {
                let id = try await listener.open(address)
                opened.append(listener.address(of: id) ?? address)
            } catch {
                // Another server, or another program, does not go away by itself: the service manager need not try again.
                if error.isHeldByAnother { throw ConfigurationError(problem: "\(error)") }
                throw CommandFailure("\(error)")
            }
        }
        return opened
    }

    /// The service group's own messages concern its internals, and not operators.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, configuration.logLevel <= .debug ? .debug : .error)
        return quiet
    }

    private func makeListener(
        board: SnapshotBoard, secrets: Secrets, tokens: SessionTokens,
        passwords: GuestPasswords, targets: VendorDataTargets?, wantLeases: @escaping @Sendable (LibvirtName, HostNumber) -> Void
    ) async throws -> GuestListener {
        let unmatched = UnmatchedClientLog(logger: logger, now: now)
        let watch = RequestWatch(board, views: views.map(\.name))
        let events = GuestEvents(
            watch: watch, board: board, passwords: passwords,
            onUnmatched: { client, reason in
                watch.metrics.refused(.init(reason))
                unmatched.note(client, reason)
            }, wantLeases: wantLeases)
        let sources = MetadataSources(
            entropy: .system, signatures: secrets.signer.map { DocumentSignatures(by: $0, board: board, logger: logger) },
            vendorDataTargets: targets)
        let responder = GuestResponder(
            views: views, board: board, lookup: try makeLookup(), agent: secrets.agentSignature.map(NeutronAgent.init),
            tokens: tokens, sources: sources,
            passwords: passwords, hosts: HostNames(configuration.hostNames), events: events)
        let (exceeded, failures) = (LimitLog(logger: logger, now: now), AcceptLog(logger: logger, now: now))
        return try GuestListener(
            threads: configuration.threads, responder: responder, limits: try affordableLimits(),
            onLimit: { client, limit in
                watch.metrics.refused(.init(limit))
                exceeded.note(client, limit)
            },
            onAcceptFailure: { failures.note($0) })
    }

    /// One for each hypervisor, so that one that hangs does not delay the guests of another.
    private func makePasswordKeepers(
        _ board: SnapshotBoard, reread: @escaping @Sendable (InstanceUUID, HostNumber) -> Void
    ) -> [PasswordKeeper] {
        configuration.connect.enumerated().map { number, uri in
            PasswordKeeper(
                store: PasswordStore(uri: uri), board: board, reread: { reread($0, HostNumber(number)) }, logger: logger)
        }
    }

    /// Stores a password with the guest's host; `nil` where there are no stores.
    private func keep(_ keepers: [PasswordKeeper]) -> GuestPasswords.Keep? {
        guard !keepers.isEmpty else { return nil }
        return { text, domain, host, done in keepers[host.index].keep(text, for: domain, done: done) }
    }

    private func makeLookup() throws -> ClientLookup {
        do {
            return ClientLookup(
                neighbours: try Neighbours(),
                file: try configuration.neighbours.map { try NeighbourFile(path: $0, now: now) },
                trusted: configuration.trustForwardedFor)
        } catch let error as NeighbourFileError {
            throw ConfigurationError(location: "--neighbours", problem: "\(error)")
        } catch let error as KernelError {
            throw CommandFailure("cannot read the kernel's neighbour table: \(error)")
        }
    }
}
