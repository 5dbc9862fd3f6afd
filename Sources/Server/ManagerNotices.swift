import Common
import FoundationEssentials
import Glibc
import Guests
import Host
import Logging
import NIOCore
import ServiceLifecycle

/// Notifies the service manager (sd_notify(3)): that the server is ready, stopping or reloading and, as often as the manager
/// wants, that the threads that serve guests respond. Without a manager nothing is sent.
final class ManagerNotices: Service {
    private let notification: ServiceNotification
    /// The interval of notifications; `nil` where there is no watchdog.
    private let interval: Duration?
    private let listener: GuestListener
    private let logger: Logger

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, and with a watchdog `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///   - listener: its threads must respond.
    init?(environment: [String: String], listener: GuestListener, logger: Logger) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        notification = ServiceNotification(path: path)
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        // Twice as often as required, so that one late notification is not fatal.
        interval = isForUs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0 / 2) } : nil
        (self.listener, self.logger) = (listener, logger)
    }

    func run() async throws {
        notify("READY=1\nSTATUS=Serving guests")
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in await keepWatch() }
        } onGracefulShutdown: { [self] in
            notify("STOPPING=1\nSTATUS=Ending")
        }
    }

    /// The configuration is being reloaded.
    func reloading() {
        // By the clock that sd_notify(3) names, CLOCK_MONOTONIC.
        notify("RELOADING=1\nMONOTONIC_USEC=\(NIODeadline.now().uptimeNanoseconds / 1000)")
    }

    /// The configuration has been reloaded.
    func reloaded() {
        notify("READY=1\nSTATUS=Serving guests")
    }

    private func keepWatch() async {
        guard let interval else {
            // The only error is the server's stop.
            try? await gracefulShutdown()
            return
        }
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
            logger.debug("the service manager cannot be told", metadata: ["reason": "\(error)"])
        }
    }
}
