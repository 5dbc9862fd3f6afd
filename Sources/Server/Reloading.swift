import Configuration
import Description
import Logging
import ServiceLifecycle
import UnixSignals

/// Reloads the configuration on SIGHUP, and applies the settings that can change at run time.
final class Reloading: Service {
    /// The settings that a reload applies; all others are read at the start only. Defaults and profiles apply too.
    static let immediate: Set<String> = ["log-level", "session-tokens", "hop-limit"]

    private let started: Configuration
    private let load: @Sendable () throws(ConfigurationError) -> Configuration
    private let notices: ManagerNotices?
    private let logger: Logger
    private let apply: @Sendable (Configuration) -> Void
    private let signals: UnixSignalsSequence

    /// From now on the signal no longer ends this process.
    ///
    /// - Parameters:
    ///   - started: the configuration that the server runs with.
    ///   - load: reads it again, from its source.
    ///   - notices: notifies the service manager.
    ///   - apply: applies what can change at run time.
    init(
        _ started: Configuration, load: @escaping @Sendable () throws(ConfigurationError) -> Configuration,
        notices: ManagerNotices? = nil, logger: Logger,
        apply: @escaping @Sendable (Configuration) -> Void
    ) async {
        (self.started, self.load, self.notices, self.logger, self.apply) = (started, load, notices, logger, apply)
        signals = await UnixSignalsSequence(trapping: .sighup)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var current = started
            for await _ in signals { current = reload(current) }
        }
    }

    /// The configuration in effect from now on.
    private func reload(_ current: Configuration) -> Configuration {
        notices?.reloading()
        defer { notices?.reloaded() }
        let new: Configuration
        do throws(ConfigurationError) {
            new = try load()
        } catch {
            logger.error("reload failed, keeping current configuration", metadata: ["error": "\(error)"])
            return current
        }
        apply(new)
        let changed =
            new.differences(from: current).filter(Self.immediate.contains)
            + new.defaults.differences(from: current.defaults)
        let waiting = new.differences(from: started).filter { !Self.immediate.contains($0) }
        if changed.isEmpty {
            logger.notice("configuration reloaded: nothing changed")
        } else {
            logger.notice("configuration reloaded", metadata: ["changed": "\(changed.joined(separator: ","))"])
        }
        if !waiting.isEmpty {
            logger.warning(
                "restart required for changed settings",
                metadata: ["setting": "\(waiting.joined(separator: ","))", "hint": "systemctl restart virt-metadata"])
        }
        return new
    }
}
