import Common
import Description

/// The current defaults, which a reload replaces while every hypervisor's keeper reads them.
final class CurrentDefaults: Sendable {
    private let held: Locked<InstanceDefaults>

    init(_ defaults: InstanceDefaults) {
        held = Locked(defaults)
    }

    var value: InstanceDefaults { held.withLock { $0 } }

    /// - Returns: whether the new defaults differ.
    func replace(by new: InstanceDefaults) -> Bool {
        held.withLock { old in
            defer { old = new }
            return old != new
        }
    }
}
