import FoundationEssentials
import Glibc
import Kernel
import Logging
import NIOCore
import ServiceLifecycle

/// Tells the service manager how we are: that we serve, that we end, that we read our configuration, and, as often as it wants it, that our
/// event loops still turn (sd_notify(3)). Where no manager asks, nothing is told.
final class ManagerNotices: Service {
    private let notification: ServiceNotification
    /// How often it is to be told; `nil` where it keeps no watch.
    private let interval: Duration?
    private let loops: any EventLoopGroup
    private let logger: Logger

    /// - Parameters:
    ///   - environment: `NOTIFY_SOCKET`, and where a watch is kept `WATCHDOG_USEC` and `WATCHDOG_PID`.
    ///   - loops: those that must turn.
    init?(environment: [String: String], loops: any EventLoopGroup, logger: Logger) {
        guard let path = environment["NOTIFY_SOCKET"], !path.isEmpty else { return nil }
        notification = ServiceNotification(path: path)
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        // Twice as often as it must be: one that is late is not yet fatal.
        interval = isForUs ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0 / 2) } : nil
        (self.loops, self.logger) = (loops, logger)
    }

    func run() async throws {
        tell("READY=1\nSTATUS=Serving guests")
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in await keepWatch() }
        } onGracefulShutdown: { [self] in
            tell("STOPPING=1\nSTATUS=Ending")
        }
    }

    /// Our configuration is being read once more.
    func reloading() {
        // Of the clock that sd_notify(3) names, CLOCK_MONOTONIC.
        tell("RELOADING=1\nMONOTONIC_USEC=\(NIODeadline.now().uptimeNanoseconds / 1000)")
    }

    /// It has been read.
    func reloaded() {
        tell("READY=1\nSTATUS=Serving guests")
    }

    private func keepWatch() async {
        guard let interval else {
            // The only error is that we are to end.
            try? await gracefulShutdown()
            return
        }
        while !Task.isCancelled {
            // One that stands keeps us from telling, and the manager starts us anew.
            for loop in loops.makeIterator() { try? await loop.submit {}.get() }
            tell("WATCHDOG=1")
            try? await Task.sleep(for: interval)
        }
    }

    private func tell(_ state: String) {
        do throws(KernelError) {
            try notification.send(state)
        } catch {
            logger.debug("the service manager cannot be told", metadata: ["reason": "\(error)"])
        }
    }
}
