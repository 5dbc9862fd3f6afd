import Host
import ServiceLifecycle

/// Returns unused memory to the host: once the start is over, and then at intervals.
struct MemoryUpkeep: Service {
    /// How long a start takes, as a rule.
    private static let start = Duration.seconds(10)

    let interval: Duration
    let clock: PacedClock
    /// The operation of each round.
    var giveBack: @Sendable () -> Void = {
        ProgramPages.unmap()
        FreedMemory.giveBack()
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The only error is the server's stop.
            guard (try? await clock.sleep(for: min(Self.start, interval))) != nil else { return }
            repeat { giveBack() } while (try? await clock.sleep(for: interval)) != nil
        }
    }
}
