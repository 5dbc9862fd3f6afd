import Common
import Libvirt
import TestSupport

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

    /// Whether a matching hint is present, or arrives in time.
    func has(within limit: Duration = .seconds(10), _ fits: (Hint) -> Bool) async throws -> Bool {
        try await eventually(within: limit) { all.contains(where: fits) }
    }

    func has(_ hint: Hint, within limit: Duration = .seconds(10)) async throws -> Bool {
        try await has(within: limit) { $0 == hint }
    }

    /// Whether the loss of the connection is reported in time.
    func hasConnectionLost(within limit: Duration = .seconds(10)) async throws -> Bool {
        try await has(within: limit) { if case .connectionLost = $0 { true } else { false } }
    }
}
