import Common
import Dispatch
import Kernel
import Logging
import ServiceLifecycle

/// Keeps the interception in line while bridges, ports and domains come and go, and closes the bridges at the end.
struct InterceptionService: Service {
    /// How long changes are gathered: a domain's start brings several.
    private static let gathering = Duration.milliseconds(50)
    /// How long connections whose first packet came before the bridges were closed may take to be accepted.
    private static let lastArrivals = DispatchTimeInterval.milliseconds(200)

    let interceptor: Interceptor
    let board: SnapshotBoard
    /// What the kernel says of links, addresses and routes.
    let events: NetworkEvents
    let logger: Logger

    /// Follows until the task is cancelled or a graceful shutdown begins.
    func run() async throws {
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
                changes.hearNoMore()
                logger.error("the kernel says no more of links and addresses", metadata: ["reason": "\(error)"])
                return source.cancel()
            }
            wake.yield()
        }
        source.activate()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { tasks in
                tasks.addTask { await follow(signals, changes) }
                tasks.addTask { await inspect(changes, wake) }
            }
        }
        source.cancel()
        await interceptor.end()
        // Not cut short by the shutdown that it is part of.
        await withCheckedContinuation { done in
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.lastArrivals) { done.resume() }
        }
    }

    private func follow(_ signals: AsyncStream<Void>, _ changes: NetworkChanges) async {
        await interceptor.reconcile(networkChanged: changes.take())
        for await _ in signals {
            await interceptor.reconcile(networkChanged: changes.take())
            try? await Task.sleep(for: Self.gathering)
        }
    }

    private func inspect(_ changes: NetworkChanges, _ wake: AsyncStream<Void>.Continuation) async {
        while (try? await Task.sleep(for: Interceptor.patience)) != nil {
            await interceptor.inspect()
            changes.note()
            wake.yield()
        }
    }
}

/// Whether the host's links and addresses may have changed since that was last asked. To read them all costs more than all the rest
/// that a domain's change brings about.
private final class NetworkChanges: Sendable {
    private let state = Locked((changed: true, isDeaf: false))

    /// They may have.
    func note() { state.withLock { $0.changed = true } }

    /// Nobody says any more when they do, so they always may have.
    func hearNoMore() { state.withLock { $0.isDeaf = true } }

    func take() -> Bool {
        state.withLock { state in
            defer { state.changed = false }
            return state.changed || state.isDeaf
        }
    }
}

/// Takes everything of ours out of the kernel at the very end, where the operator wants it so.
struct ReleaseAtEnd: Service {
    let interceptor: Interceptor

    func run() async throws {
        try? await gracefulShutdown()
        await interceptor.release()
    }
}
