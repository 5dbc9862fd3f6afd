import Common
import FoundationEssentials
import Glibc
import Identity
import Inventory
import Kernel
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Where the objects of the server meet: built from a configuration, run until a signal.
struct Wiring {
    /// What is open besides connections: listeners, event loops, netlink sockets, logs.
    private static let otherFiles = 128
    /// What each hypervisor's connection keeps open, the program that it may go through among it.
    private static let filesOfHypervisor = 8

    /// How much memory that was freed stays ours, in bytes: what a moment's requests need, and not what a start takes.
    private static let spareMemory: Int32 = 64 << 10

    private let configuration: Configuration
    private let clock: PacedClock
    private let logger: Logger
    private let threshold: LogThreshold
    private let reload: (@Sendable () throws(ConfigurationError) -> Configuration)?

    /// - Parameter clock: what the server's own timers go by, as far as they are not NIO's or libvirt's.
    /// - Parameter reload: reads the configuration once more; `nil` where SIGHUP is none of ours.
    init(
        _ configuration: Configuration, clock: PacedClock = PacedClock(),
        reload: (@Sendable () throws(ConfigurationError) -> Configuration)? = nil
    ) {
        (self.configuration, self.clock, self.reload) = (configuration, clock, reload)
        let threshold = LogThreshold(configuration.logLevel)
        let ground = Logger(label: "virt-metadata").handler
        logger = Logger(label: "virt-metadata") { _ in ThresholdLogHandler(ground, threshold) }
        self.threshold = threshold
    }

    func run() async throws {
        try Demotion.giveUpRoot(configuration)
        FreedMemory.keep(atMost: Self.spareMemory)
        // First of all: it must have a descriptor below 1,024, and a host that is served by another is left alone.
        let host = try configuration.followsBridges() ? HostResources(configuration, logger: logger) : nil
        let board = SnapshotBoard()
        let inventory = InventoryService(
            uris: configuration.connect, edited: configuration.edited, defaults: configuration.defaults,
            sweepInterval: configuration.sweepInterval, board: board,
            clock: clock, logger: logger)
        // Before the inventory begins: an address that cannot be had is said at once, whatever libvirt does.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads)
        let keepers = configuration.allowsPasswords ? makePasswordKeepers(board, reread: { inventory.reread($0, on: $1) }) : []
        let passwords = GuestPasswords(keeper: keep(board, keepers), logger: logger)
        let targets = VendorDataTargets(configuration, on: group, logger: logger, now: now)
        let secrets = try Secrets(configuration.secrets, logger: logger)
        let tokens = SessionTokens(authority: secrets.tokens, clock: clock.tokens, policy: configuration.sessions)
        let listener = try await makeListener(
            on: group, board: board, secrets: secrets, tokens: tokens, passwords: passwords, targets: targets,
            wantLeases: { inventory.wantLeases(of: $0, on: $1) })
        let opened = try await open(listener)
        let admin = try await makeAdmin(listener, inventory)
        // Before it is announced that we are there, for until then the signal ends the process.
        let notices = ManagerNotices(environment: ProcessInfo.processInfo.environment, loops: group, logger: logger)
        let reloading = await makeReloading(inventory, tokens, notices)
        Demotion.remark(configuration, logger: logger)
        var services: [any Service] = [Announcement(addresses: opened, logger: logger), inventory]
        services.append(MemoryUpkeep(interval: configuration.sweepInterval, clock: clock))
        services += keepers
        services.append(admin)
        if let reloading { services.append(reloading) }
        if let targets { services.append(targets) }
        if let host {
            let interceptor = Interceptor(
                configuration.interception, file: host.takeFile(), tables: host.tables, listener: listener, board: board,
                logger: logger)
            if configuration.leavesOpen { services.append(ReleaseAtEnd(interceptor: interceptor)) }
            services.append(listener)
            services.append(
                InterceptionService(interceptor: interceptor, board: board, events: host.events, logger: logger))
        } else {
            services.append(listener)
        }
        // After all others, and so when they have begun.
        if let notices { services.append(notices) }
        // They end in the opposite order, each when the next one has: first nobody new comes in, then the last replies leave.
        services.append(Deadline(group: group))
        let all = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        try await ServiceGroup(configuration: all).run()
    }

    private func makeAdmin(
        _ listener: GuestListener, _ inventory: InventoryService<PacedClock>
    ) async throws -> AdminListener {
        let started = ContinuousClock.now
        let registry = listener.responder.watch.metrics.registry
        ProcessMetrics.add(to: registry)
        ServerGauges(listener: listener, hypervisors: { inventory.hypervisors }, started: started).add(to: registry)
        let responder = AdminResponder(
            responder: listener.responder, hypervisors: { inventory.hypervisors }, loops: listener.group)
        let admin = AdminListener(responder, logger: logger)
        try await admin.open(configuration)
        if let address = admin.address {
            logger.info("metrics are shown", metadata: ["url": "http://\(address.inBrackets)/metrics"])
        }
        return admin
    }

    private func makeReloading(
        _ inventory: InventoryService<PacedClock>, _ tokens: SessionTokens, _ notices: ManagerNotices?
    ) async -> Reloading? {
        guard let reload else { return nil }
        return await Reloading(configuration, load: reload, notices: notices, logger: logger) { [threshold] new in
            threshold.level = new.logLevel
            tokens.policy.replace(by: new.sessions)
            inventory.replaceDefaults(by: new.defaults)
        }
    }

    private var now: @Sendable () -> PacedClock.Instant { { [clock] in clock.now } }

    /// How many files may be open at one time.
    static func mostFiles(_ configuration: Configuration) -> Int {
        configuration.limits.connections + otherFiles + filesOfHypervisor * configuration.connect.count
    }

    /// The limits, with as many connections as there are descriptors for besides our own.
    private func affordableLimits() -> Configuration.Limits {
        var limits = configuration.limits
        let wanted = Self.mostFiles(configuration)
        let most = max(1, limits.connections - max(0, wanted - FileDescriptors.allow(wanted)))
        if most < limits.connections {
            logger.warning(
                "this user may not open as many files as there may be connections; some of these are closed",
                metadata: [
                    "connections": "\(most)", "wanted": "\(limits.connections)", "hint": "raise LimitNOFILE, or: ulimit -Hn",
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
                throw CommandFailure("\(error)")
            }
        }
        return opened
    }

    /// The service group's own remarks are about its inside, and not for operators.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, configuration.logLevel <= .debug ? .debug : .error)
        return quiet
    }

    private func makeListener(
        on group: MultiThreadedEventLoopGroup, board: SnapshotBoard, secrets: Secrets, tokens: SessionTokens,
        passwords: GuestPasswords, targets: VendorDataTargets?, wantLeases: @escaping @Sendable (String, HostNumber) -> Void
    ) async throws -> GuestListener {
        let strangers = StrangerLog(logger: logger, now: now)
        let watch = RequestWatch(board)
        let responder = GuestResponder(
            views: views, board: board, identification: try makeIdentification(), tokens: tokens, entropy: .system,
            seal: secrets.seal, agent: secrets.agent, passwords: passwords, vendorDataTargets: targets,
            watch: watch,
            onUnknown: { caller, reason in
                watch.metrics.refused(.init(reason))
                strangers.note(caller, reason)
            }, wantLeases: wantLeases)
        let (excesses, failures) = (ExcessLog(logger: logger, now: now), AcceptLog(logger: logger, now: now))
        return try await GuestListener(
            group: group, responder: responder, limits: affordableLimits(),
            onExcess: { caller, excess in
                watch.metrics.refused(.init(excess))
                excesses.note(caller, excess)
            },
            onAcceptFailure: { failures.note($0) })
    }

    /// One for each hypervisor, so that one that hangs keeps the guests of no other waiting.
    private func makePasswordKeepers(
        _ board: SnapshotBoard, reread: @escaping @Sendable (InstanceUUID, HostNumber) -> Void
    ) -> [PasswordKeeper] {
        configuration.connect.enumerated().map { number, uri in
            PasswordKeeper(
                store: PasswordStore(uri: uri), board: board, reread: { reread($0, HostNumber(number)) }, logger: logger)
        }
    }

    /// Who keeps a password: the keeper of the host whose word of the domain counts; `nil` where there are none.
    private func keep(_ board: SnapshotBoard, _ keepers: [PasswordKeeper]) -> GuestPasswords.Keep? {
        guard !keepers.isEmpty else { return nil }
        return { text, domain, done in
            let host = board.snapshot.host(of: domain) ?? HostNumber.local
            keepers[host.index].keep(text, for: domain, done: done)
        }
    }

    private func makeIdentification() throws -> CallerIdentification {
        do {
            return CallerIdentification(
                neighbours: try Neighbours(), ports: try BridgePorts(),
                file: try configuration.neighbours.map { try NeighbourFile(path: $0, now: now) },
                trusted: configuration.trustForwardedFor)
        } catch let error as NeighbourFileError {
            throw ConfigurationError(place: "--neighbours", problem: "\(error)")
        } catch let error as KernelError {
            throw CommandFailure("cannot ask the kernel for neighbours: \(error)")
        }
    }
}

/// Says where the server listens: once signals are heeded, so that whoever reads it may already ask for the end.
private struct Announcement: Service {
    let addresses: [SocketAddress]
    let logger: Logger

    func run() async throws {
        for address in addresses { logger.info("listening", metadata: ["address": "\(address.inBrackets)"]) }
        try? await gracefulShutdown()
    }
}

/// The end of the process at the latest, once it was asked to stop: a libvirtd that hangs is not waited for.
private struct Deadline: Service {
    /// Longer than guests get to read their replies.
    private static let patience = TimeAmount.seconds(4)

    let group: MultiThreadedEventLoopGroup

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await gracefulShutdown()
        } onGracefulShutdown: { [group] in
            _ = group.any().scheduleTask(in: Self.patience) { Glibc._exit(0) }
        }
    }
}
