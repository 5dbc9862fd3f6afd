package import Common
import HashTreeCollections
import Libvirt
package import Logging
import ServiceLifecycle

/// Stores the passwords that guests post, one after the other, and reports each once libvirt has confirmed it and the snapshot
/// contains it.
package final class PasswordKeeper: Service {
    /// The most waiting requests in all; each is a kibibyte, and takes libvirt some milliseconds.
    private static let mostWaiting = 256
    /// The most waiting requests of one domain, so that no domain blocks others: only one of them can be stored.
    private static let mostWaitingOfOne = 4
    /// How long to wait until the inventory contains a stored password; without a connection to the hypervisor it never does.
    private static let displayTimeout = Duration.seconds(2)
    /// The pause after a failed connection.
    private static let pause = Duration.seconds(1)

    private struct Request {
        let password: String
        let domain: InstanceUUID
        let received: ContinuousClock.Instant
        let done: @Sendable (PasswordOutcome) -> Void
    }

    /// A stored password that the snapshot does not contain yet.
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
    /// Yields whenever a request was added, or a snapshot was published, since the last yield.
    private let signals: AsyncStream<Void>

    /// - Parameters:
    ///   - store: the store of the passwords.
    ///   - board: its snapshots contain the stored passwords.
    ///   - reread: makes the inventory read a domain again.
    package init(
        store: PasswordStore, board: SnapshotBoard, reread: @escaping @Sendable (InstanceUUID) -> Void, logger: Logger
    ) {
        (self.store, self.board, self.reread, self.logger) = (store, board, reread, logger)
        (signals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        board.observe { [wake] in wake.yield() }
    }

    /// Stores a password for a domain that has none; returns at once.
    ///
    /// - Parameter done: called once, on any thread.
    package func keep(_ password: String, for domain: InstanceUUID, done: @escaping @Sendable (PasswordOutcome) -> Void) {
        let isTaken = waiting.withLock { waiting in
            guard !waiting.isClosed, waiting.requests.count < Self.mostWaiting,
                waiting.requests.count(where: { $0.domain == domain }) < Self.mostWaitingOfOne
            else { return false }
            waiting.requests.append(Request(password: password, domain: domain, received: .now, done: done))
            return true
        }
        if isTaken { wake.yield() } else { done(.unavailable) }
    }

    /// Stores passwords until the task is cancelled or a graceful shutdown begins.
    package func run() async throws {
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
                    stored.append(Stored(request: request, deadline: .now + Self.displayTimeout))
                    reread(request.domain)
                    timers.addTask { [wake] in
                        // The only error is cancellation, and then there is nothing to wake.
                        if (try? await Task.sleep(for: Self.displayTimeout)) != nil { wake.yield() }
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

    /// Reports that a password is stored, if the snapshot contains it, or never will, or the deadline has passed; returns whether it did.
    private func announce(_ stored: Stored) -> Bool {
        if let instance = board.snapshot.instance(of: stored.request.domain), instance.password == nil, stored.deadline > .now {
            return false
        }
        stored.request.done(.stored)
        return true
    }

    private func write(_ request: Request, _ state: inout State) async -> PasswordOutcome {
        guard request.received + PasswordOutcome.limit > .now, !state.isPausing else { return .unavailable }
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

    /// Whether the last password was stored, and whether its failure was logged.
    private struct State {
        let logger: Logger
        var pausedUntil = ContinuousClock.now
        private var isFailing = false

        init(logger: Logger) {
            self.logger = logger
        }

        var isPausing: Bool { pausedUntil > .now }

        mutating func succeeded() {
            if isFailing { logger.info("guest passwords can be stored again") }
            isFailing = false
        }

        mutating func failed(_ error: LibvirtError, domain: String?) {
            guard !isFailing else { return }
            isFailing = true
            logger.warning(
                "cannot store a guest password; the guest gets 503 and can retry",
                metadata: ["domain.name": "\(domain ?? "unknown")", "error": "\(error)"])
        }
    }
}
