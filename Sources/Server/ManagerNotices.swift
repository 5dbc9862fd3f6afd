import Admin
import Common
import FoundationEssentials
import Glibc
import Guests
import Host
import Logging
import NIOCore
import ServiceLifecycle

/// Notifies the service manager (sd_notify(3)): that the server is ready, stopping or reloading, what it serves and, as often as the manager
/// wants, that the threads that serve guests respond. Without a manager nothing is sent.
final class ManagerNotices: Service {
    private let notification: ServiceNotification
    /// The interval of notifications; `nil` where there is no watchdog.
    private let interval: Duration?
    private let listener: GuestListener
    private let status: ServerStatus
    private let logger: Logger
    /// How often the status line is compared with the server's state.
    private static let statusInterval = Duration.seconds(1)

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, and with a watchdog `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///   - listener: its threads must respond.
    ///   - status: what `systemctl status` shows of the server.
    init?(environment: [String: String], listener: GuestListener, status: ServerStatus, logger: Logger) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        notification = ServiceNotification(path: path)
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        // Twice as often as required, so that one late notification is not fatal.
        interval = isForUs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0 / 2) } : nil
        (self.listener, self.status, self.logger) = (listener, status, logger)
    }

    func run() async throws {
        notify("READY=1\nSTATUS=\(status.summary)")
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in
                await withDiscardingTaskGroup { tasks in
                    tasks.addTask { [self] in await keepWatch() }
                    tasks.addTask { [self] in await showStatus() }
                }
            }
        } onGracefulShutdown: { [self] in
            notify("STOPPING=1\nSTATUS=Stopping")
        }
    }

    /// The configuration is being reloaded.
    func reloading() {
        // By the clock that sd_notify(3) names, CLOCK_MONOTONIC.
        notify("RELOADING=1\nMONOTONIC_USEC=\(NIODeadline.now().uptimeNanoseconds / 1000)")
    }

    /// The configuration has been reloaded.
    func reloaded() {
        notify("READY=1\nSTATUS=\(status.summary)")
    }

    /// Shows each change of the state.
    private func showStatus() async {
        var shown = status.summary
        // The only error is the server's stop.
        while (try? await Task.sleep(for: Self.statusInterval)) != nil {
            let summary = status.summary
            guard summary != shown else { continue }
            notify("STATUS=\(summary)")
            shown = summary
        }
    }

    private func keepWatch() async {
        guard let interval else { return }
        while !Task.isCancelled {
            // A blocked thread holds the notification back, and the manager restarts the server.
            await withCheckedContinuation { turned in listener.whenAllTurned { turned.resume() } }
            notify("WATCHDOG=1")
            try? await Task.sleep(for: interval)
        }
    }

    private func notify(_ state: String) {
        do throws(KernelError) {
            try notification.send(state)
        } catch {
            logger.debug("cannot notify the service manager", metadata: ["error": "\(error)"])
        }
    }
}
