import Common

/// The defaults that count at the moment, for all who put instances together.
final class CurrentDefaults: Sendable {
    private let held: Locked<InstanceDefaults>

    init(_ defaults: InstanceDefaults) {
        held = Locked(defaults)
    }

    var value: InstanceDefaults { held.withLock { $0 } }

    /// - Returns: whether these are others.
    func replace(by new: InstanceDefaults) -> Bool {
        held.withLock { old in
            defer { old = new }
            return old != new
        }
    }
}
