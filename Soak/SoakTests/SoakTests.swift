import Dispatch
import Foundation
import Logging
import Testing

/// The server on a busy host's day, which goes by 144 times faster; `docs/dev/soak.md` says what happens in it.
struct SoakTests {
    private static let environment = ProcessInfo.processInfo.environment

    @Test func `a busy host's day leaves memory, descriptors and threads as they were`() async throws {
        let journal = Journal()
        LoggingSystem.bootstrap { _ in Journal.Handler(journal: journal) }
        let minutes = Self.environment["SOAK_MINUTES"] ?? "10"
        let seed = Self.environment["SOAK_SEED"] ?? String(UInt32.random(in: 0...UInt32.max))
        FileHandle.standardOutput.write(Data("soak: \(minutes) minutes, SOAK_SEED=\(seed)\n".utf8))
        // On a thread of its own, for it waits for another process nearly all the time.
        let holds = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        var soak = try Soak(minutes: minutes, seed: seed, journal: journal)
                        return try soak.run()
                    })
            }
        }
        #expect(holds, "a line above says FAILS")
    }
}
