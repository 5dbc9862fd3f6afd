import Common
package import FoundationEssentials
import Guests

/// A bridge that is served, as shown to the operator.
package struct BridgeStatus: Sendable, Equatable {
    package let name: String
    /// Why it is served.
    package let source: BridgeSelection.Source
    /// When its guests could first connect; `nil` where they cannot yet, for the reason that the log has.
    package let since: Date?
    /// How it is intercepted: `address`, `redirect` or `bridge`.
    package let mode: String
    /// The metadata addresses that are answered.
    package let addresses: [String]
    /// Whether spoofed frames are dropped at its ports.
    package let isGuarded: Bool
    /// How many interfaces of running domains are on it.
    package let interfaces: Int
    /// How many enabled domains have an interface on it.
    package let enabledDomains: Int

    init(_ bridge: ServedBridge, isGuarded: Bool, interfaces: Int, enabledDomains: Int) {
        (name, source, since, mode) = (bridge.link.name, bridge.source, bridge.servedSince, bridge.modeName)
        addresses = (bridge.hasPorts ? bridge.answered.map(\.metadata) : bridge.endpoints.map(\.address)).map { "\($0)" }.sorted()
        (self.isGuarded, self.interfaces, self.enabledDomains) = (isGuarded, interfaces, enabledDomains)
    }
}

/// The bridges that are served, ordered by name: written by the interceptor, read by the admin interface and the service manager's notices.
package final class BridgeStatusBoard: Sendable {
    private let held = Locked<[BridgeStatus]>([])

    package init() {}

    package var bridges: [BridgeStatus] { held.withLock { $0 } }

    func publish(_ bridges: some Sequence<BridgeStatus>) {
        let sorted = bridges.sorted { $0.name < $1.name }
        held.withLock { $0 = sorted }
    }
}
