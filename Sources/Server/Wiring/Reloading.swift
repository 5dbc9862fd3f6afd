import Inventory
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the configuration once more whenever SIGHUP comes, and has that of it put into effect which can be.
final class Reloading: Service {
    /// The settings that count at once; all others are read at the start alone. The defaults do too.
    static let immediate: Set<String> = ["log-level", "tokens", "hop-limit"]

    private let started: Configuration
    private let load: @Sendable () throws(ConfigurationError) -> Configuration
    private let notices: ManagerNotices?
    private let logger: Logger
    private let apply: @Sendable (Configuration) -> Void
    private let signals: UnixSignalsSequence

    /// From now on the signal ends this process no more.
    ///
    /// - Parameters:
    ///   - started: what the server runs by.
    ///   - load: reads it once more, from where it came.
    ///   - notices: where the service manager is told of it.
    ///   - apply: puts into effect what can be.
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

    /// What counts from now on.
    private func reload(_ current: Configuration) -> Configuration {
        notices?.reloading()
        defer { notices?.reloaded() }
        let new: Configuration
        do throws(ConfigurationError) {
            new = try load()
        } catch {
            logger.error("the configuration cannot be used; all stays as it was", metadata: ["problem": "\(error)"])
            return current
        }
        apply(new)
        let changed =
            new.differences(from: current).filter(Self.immediate.contains)
            + (new.defaults == current.defaults ? [] : ["defaults"])
        let waiting = new.differences(from: started).filter { !Self.immediate.contains($0) }
        logger.notice(
            "the configuration was read again", metadata: ["changed": "\(changed.joined(separator: ", "))"])
        if !waiting.isEmpty {
            logger.warning(
                "these settings count from the next start on",
                metadata: ["settings": "\(waiting.joined(separator: ", "))", "hint": "systemctl restart virt-metadata"])
        }
        return new
    }
}
