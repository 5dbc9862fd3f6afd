public import Common
import HashTreeCollections
import Libvirt
public import Logging
public import ServiceLifecycle

/// Stores what guests leave as passwords, one after the other, and says so when libvirt has confirmed it and the snapshot shows
/// it.
public final class PasswordKeeper: Service {
    /// What became of a password.
    public enum Outcome: Sendable, Hashable {
        /// It is kept.
        case stored
        /// There was one already, which stays.
        case alreadySet
        /// Its domain is gone.
        case noDomain
        /// The hypervisor cannot be asked now, or too many wait.
        case unavailable
    }

    /// How long whoever leaves a password waits: longer than it takes to find that a daemon hangs. What has waited longer is not
    /// stored any more.
    public static let limit = Duration.seconds(10)
    /// How many may wait, in all; each is a kibibyte, and takes libvirt some milliseconds.
    private static let mostWaiting = 256
    /// How many may wait of one domain, so that none keeps the others out: only one of them can be stored.
    private static let mostWaitingOfOne = 4
    /// How long the inventory may take to show a password that is stored; while it is away it does not show it at all.
    private static let patience = Duration.seconds(2)
    /// How long it is not tried to connect again after that has failed.
    private static let pause = Duration.seconds(1)

    private struct Request {
        let password: String
        let domain: InstanceUUID
        let came: ContinuousClock.Instant
        let done: @Sendable (Outcome) -> Void
    }

    /// A password that is stored, and not yet shown.
    private struct Stored {
        let request: Request
        let deadline: ContinuousClock.Instant
    }

    private struct Waiting {
        var requests: [Request] = []
        var isClosed = false
    }

    private let store: PasswordStore
    private let board: SnapshotBoard
    private let reread: @Sendable (InstanceUUID) -> Void
    private let logger: Logger
    private let waiting = Locked(Waiting())
    private let wake: AsyncStream<Void>.Continuation
    /// Yields whenever something came to wait, or a snapshot was published, since the last yield.
    private let signals: AsyncStream<Void>

    /// A keeper to whom nothing has come yet.
    ///
    /// - Parameters:
    ///   - store: where passwords are kept.
    ///   - board: where it is seen that a password is shown.
    ///   - reread: has the inventory read a domain again.
    public init(
        store: PasswordStore, board: SnapshotBoard, reread: @escaping @Sendable (InstanceUUID) -> Void, logger: Logger
    ) {
        (self.store, self.board, self.reread, self.logger) = (store, board, reread, logger)
        (signals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        board.observe { [wake] in wake.yield() }
    }

    /// Stores a password for a domain that has none; returns at once.
    ///
    /// - Parameter done: called once, on any thread.
    public func keep(_ password: String, for domain: InstanceUUID, done: @escaping @Sendable (Outcome) -> Void) {
        let isTaken = waiting.withLock { waiting in
            guard !waiting.isClosed, waiting.requests.count < Self.mostWaiting,
                waiting.requests.count(where: { $0.domain == domain }) < Self.mostWaitingOfOne
            else { return false }
            waiting.requests.append(Request(password: password, domain: domain, came: .now, done: done))
            return true
        }
        if isTaken { wake.yield() } else { done(.unavailable) }
    }

    /// Stores what comes until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.follow() }
        let left = waiting.withLock { waiting in
            waiting.isClosed = true
            defer { waiting.requests = [] }
            return waiting.requests
        }
        for request in left { request.done(.unavailable) }
        await store.disconnect()
    }

    private func follow() async {
        var state = State(logger: logger)
        var stored: [Stored] = []
        await withDiscardingTaskGroup { timers in
            for await _ in signals {
                while let request = takeFirst() {
                    let outcome = await write(request, &state)
                    guard outcome == .stored else {
                        request.done(outcome)
                        continue
                    }
                    stored.append(Stored(request: request, deadline: .now + Self.patience))
                    reread(request.domain)
                    timers.addTask { [wake] in
                        // The only error is that the task is cancelled, and then nobody is to be woken.
                        if (try? await Task.sleep(for: Self.patience)) != nil { wake.yield() }
                    }
                    stored.removeAll(where: announce)
                }
                stored.removeAll(where: announce)
            }
            timers.cancelAll()
        }
        for stored in stored { stored.request.done(.stored) }
    }

    private func takeFirst() -> Request? {
        waiting.withLock { $0.requests.isEmpty ? nil : $0.requests.removeFirst() }
    }

    /// Says that a password is stored, if it is shown, or never will be, or takes too long; whether that was said.
    private func announce(_ stored: Stored) -> Bool {
        if let instance = board.snapshot.instance(of: stored.request.domain), instance.password == nil, stored.deadline > .now {
            return false
        }
        stored.request.done(.stored)
        return true
    }

    private func write(_ request: Request, _ state: inout State) async -> Outcome {
        guard request.came + Self.limit > .now, !state.isPausing else { return .unavailable }
        do throws(LibvirtError) {
            let change = try await store.store(request.password, for: request.domain)
            state.succeeded()
            return switch change {
            case .made: .stored
            case .notAllowed: .alreadySet
            case .noDomain: .noDomain
            }
        } catch {
            state.failed(error, domain: board.snapshot.instance(of: request.domain)?.domainName)
            if !(await store.isConnected) { state.pausedUntil = .now + Self.pause }
            return .unavailable
        }
    }

    /// How the hypervisor took the last password, and what the operator was told of it.
    private struct State {
        let logger: Logger
        var pausedUntil = ContinuousClock.now
        private var isFailing = false

        init(logger: Logger) {
            self.logger = logger
        }

        var isPausing: Bool { pausedUntil > .now }

        mutating func succeeded() {
            if isFailing { logger.info("guests' passwords are stored again") }
            isFailing = false
        }

        mutating func failed(_ error: LibvirtError, domain: String?) {
            guard !isFailing else { return }
            isFailing = true
            logger.warning(
                "a guest's password cannot be stored; its guest is told to try again",
                metadata: ["domain": "\(domain ?? "unknown")", "reason": "\(error)"])
        }
    }
}
