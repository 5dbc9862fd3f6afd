import Common
import Dispatch
import Glibc
import Logging
import ServiceLifecycle

/// The running services in the order of their start, so that one that does not stop can be named.
final class ServiceRoll: Sendable {
    private struct Named: Service, CustomStringConvertible {
        let name: String
        let service: any Service
        let roll: ServiceRoll

        /// As the service group's own messages show it, which would contain everything that the service has.
        var description: String { name }

        func run() async throws {
            let number = roll.begin(name)
            defer { roll.end(number) }
            try await service.run()
        }
    }

    private let running = Locked<(names: [Int: String], begun: Int)>(([:], 0))

    /// Wraps a service so that it is listed under a name while it runs.
    func named(_ name: String, _ service: any Service) -> any Service { Named(name: name, service: service, roll: self) }

    /// The services that still run.
    var names: [String] { running.withLock { $0.names.sorted { $0.key < $1.key }.map(\.value) } }

    private func begin(_ name: String) -> Int {
        running.withLock { running in
            running.begun += 1
            running.names[running.begun] = name
            return running.begun
        }
    }

    private func end(_ number: Int) { running.withLock { $0.names[number] = nil } }
}

/// Ends the process some time after it was asked to stop: a libvirtd that hangs is not waited for. The exit status shows that it
/// was not a clean stop, and the log names the services that did not stop.
struct Deadline: Service {
    /// Longer than guests get to read their replies.
    private static let timeout = DispatchTimeInterval.milliseconds(4500)
    /// How long logging may take when the log is not read.
    private static let logTimeout = DispatchTimeInterval.milliseconds(500)

    let roll: ServiceRoll
    let logger: Logger

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await gracefulShutdown()
        } onGracefulShutdown: { [roll, logger] in
            logger.notice("stopping: SIGTERM or SIGINT received")
            // On separate threads: a thread that serves guests may hang, or all of the threads that tasks run on.
            let end = DispatchTime.now() + Self.timeout
            DispatchQueue(label: "deadline").asyncAfter(deadline: end) {
                logger.critical(
                    "services did not stop in time; exiting",
                    metadata: ["running": "\(roll.names.joined(separator: ", "))"])
                _exit(EXIT_FAILURE)
            }
            DispatchQueue(label: "deadline-of-log").asyncAfter(deadline: end + Self.logTimeout) { _exit(EXIT_FAILURE) }
        }
    }
}
