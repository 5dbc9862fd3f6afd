import Common
import Libvirt

/// The hints of one test, in order of arrival.
final class HintLog: Sendable {
    private let hints = Locked<[Hint]>([])

    var all: [Hint] { hints.withLock { $0 } }

    func add(_ hint: Hint) {
        hints.withLock { $0.append(hint) }
    }

    func clear() {
        hints.withLock { $0 = [] }
    }

    /// Whether a hint that fits is there, or comes in time.
    func has(within limit: Duration = .seconds(10), _ fits: (Hint) -> Bool) async throws -> Bool {
        try await eventually(within: limit) { all.contains(where: fits) }
    }

    func has(_ hint: Hint, within limit: Duration = .seconds(10)) async throws -> Bool {
        try await has(within: limit) { $0 == hint }
    }

    /// Whether the end of the connection is told, in time.
    func hasConnectionLost(within limit: Duration = .seconds(10)) async throws -> Bool {
        try await has(within: limit) { if case .connectionLost = $0 { true } else { false } }
    }
}

/// Whether something becomes true in time; looked at every 20 ms.
func eventually(within limit: Duration = .seconds(10), _ condition: () throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return try condition()
}
