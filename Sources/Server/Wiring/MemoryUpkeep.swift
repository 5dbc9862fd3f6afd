import Kernel
import ServiceLifecycle

/// Gives memory that nobody uses back to the host, now and then.
struct MemoryUpkeep: Service {
    /// How often.
    let interval: Duration
    let clock: PacedClock

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The only error is that we are to end.
            while (try? await clock.sleep(for: interval)) != nil { FreedMemory.giveBack() }
        }
    }
}
