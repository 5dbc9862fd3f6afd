package import Common
import Dispatch
package import Logging
package import Netlink
import ServiceLifecycle

/// Reconciles the interception as bridges, ports and domains change, and closes the bridges at shutdown.
package struct InterceptionService: Service {
    /// How long changes are batched: a domain's start causes several.
    private static let batchingInterval = Duration.milliseconds(50)
    /// How long to accept connections whose first packet arrived before the bridges were closed.
    private static let acceptGracePeriod = DispatchTimeInterval.milliseconds(200)

    let interceptor: Interceptor
    let board: SnapshotBoard
    /// The kernel's notifications of links, addresses and routes.
    let events: NetworkEvents
    let logger: Logger

    package init(interceptor: Interceptor, board: SnapshotBoard, events: NetworkEvents, logger: Logger) {
        (self.interceptor, self.board, self.events, self.logger) = (interceptor, board, events, logger)
    }

    /// Reconciles until the task is cancelled or a graceful shutdown begins.
    package func run() async throws {
        let (signals, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        board.observe { wake.yield() }
        let changes = NetworkChanges()
        let source = DispatchSource.makeReadSource(
            fileDescriptor: events.descriptor, queue: DispatchQueue(label: "network-events"))
        source.setEventHandler { [events, logger] in
            do {
                guard try !events.read().isEmpty else { return }
                changes.note()
            } catch {
                changes.notificationsEnded()
                logger.error(
                    "lost the netlink subscription for links and addresses; checking them every 10 s",
                    metadata: ["error": "\(error)"])
                return source.cancel()
            }
            wake.yield()
        }
        source.activate()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask { await follow(signals, changes, wake) }
                tasks.addTask { await inspect(changes, wake) }
            }
        }
        source.cancel()
        await interceptor.end()
        // The wait is part of the shutdown, which must not cancel it.
        await withCheckedContinuation { done in
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.acceptGracePeriod) { done.resume() }
        }
    }

    private func reconcile(_ changes: NetworkChanges, _ wake: AsyncStream<Void>.Continuation) async {
        guard let delay = await interceptor.reconcile(networkChanged: changes.take()) else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + delay / .seconds(1)) { wake.yield() }
    }

    private func follow(
        _ signals: AsyncStream<Void>, _ changes: NetworkChanges, _ wake: AsyncStream<Void>.Continuation
    ) async {
        await reconcile(changes, wake)
        for await _ in signals {
            await reconcile(changes, wake)
            try? await Task.sleep(for: Self.batchingInterval)
        }
    }

    private func inspect(_ changes: NetworkChanges, _ wake: AsyncStream<Void>.Continuation) async {
        var upkeep = ContinuousClock.now + Interceptor.upkeepInterval
        while (try? await Task.sleep(for: Interceptor.tableInterval)) != nil {
            let isDue = upkeep <= .now
            if isDue {
                upkeep = .now + Interceptor.upkeepInterval
                await interceptor.readCounters()
                changes.note()
            }
            if await !interceptor.hasTables() || isDue { wake.yield() }
        }
    }
}

/// Whether the host's links and addresses may have changed since the last `take()`. Reading them all costs more than the rest of the work for a
/// changed domain.
private final class NetworkChanges: Sendable {
    private let state = Locked((changed: true, hasNoNotifications: false))

    package func note() { state.withLock { $0.changed = true } }

    /// Notifications have ended, so from now on they always may have changed.
    func notificationsEnded() { state.withLock { $0.hasNoNotifications = true } }

    func take() -> Bool {
        state.withLock { state in
            defer { state.changed = false }
            return state.changed || state.hasNoNotifications
        }
    }
}

/// Removes everything that is installed from the kernel at the very end, if the operator has set this.
package struct ReleaseAtEnd: Service {
    let interceptor: Interceptor

    package init(interceptor: Interceptor) { self.interceptor = interceptor }

    package func run() async throws {
        try? await gracefulShutdown()
        await interceptor.release()
    }
}
