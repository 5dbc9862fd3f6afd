import Common
import Guests
import Netlink

/// What one bridge needs: addresses, bridge options and sockets.
struct BridgePlan: Equatable {
    /// A metadata address that the bridge itself is to have.
    struct Address: Equatable {
        enum Step: Equatable {
            /// The bridge has it already.
            case keep
            case add
            /// Another process removed it after the server had added it.
            case restore
        }

        let address: IPAddress
        let step: Step
    }

    /// The time between two restorations of an address that another process removes: an operator who removes it on purpose can stop the server meanwhile.
    static let restoringInterval = Duration.seconds(10)

    let link: ListenScope.Bridge
    /// Whether to enable learning from link-local frames again: earlier versions disabled it, because their rules did not see those frames.
    var restoresLearning = false
    /// The metadata addresses to keep, add or restore on the bridge itself.
    var addresses: [Address] = []
    /// The time until an address may be restored that is not yet; `nil` where there is none. No notification comes at that time.
    var nextRestoration: Duration?
    /// The metadata addresses to remove from the bridge.
    var removed: Set<InstalledState.Address> = []
    /// The metadata addresses that are answered, provided that each can be added.
    var answered: [AnsweredAddress] = []
    /// Listen addresses to open for the whole link; only where its ports are not distinguished.
    var endpoints: [ServedBridge.Endpoint] = []
    /// The sockets of its ports; `nil` where ports are not distinguished.
    var ports: PortsPlan?
    var notes: [InterceptionNote] = []

    init(
        for bridge: ServedBridge, _ facts: HostFacts, _ snapshot: Snapshot, _ installed: InstalledState,
        _ numbers: inout SocketNumbers,
        now: ContinuousClock.Instant
    ) {
        link = bridge.link
        restoresLearning = installed.learning.contains(bridge.recorded)
        let hasIPv6 = noteIPv6(facts.ipv6[link.name])
        switch bridge.mode {
        case .address:
            planAddresses([MetadataAddress.v4] + (hasIPv6 ? MetadataAddress.v6 : []), bridge, facts.network, now)
        case .redirect(let reason):
            removed = installed.addresses.filter { $0.bridge == bridge.recorded }
            planRedirect(reason, bridge, facts.network, hasIPv6: hasIPv6)
        }
        if bridge.hasPorts { ports = PortsPlan(for: bridge, facts.network, snapshot, &numbers) }
    }

    private mutating func noteIPv6(_ ipv6: HostFacts.IPv6?) -> Bool {
        switch ipv6 {
        case .enabled: return true
        case .disabled: notes.append(.ipv6Disabled(on: link.name))
        case .unknown(let problem): notes.append(.ipv6Unknown(on: link.name, problem))
        case nil: break
        }
        return false
    }

    private mutating func planAddresses(
        _ wanted: [IPAddress], _ bridge: ServedBridge, _ network: HostNetwork, _ now: ContinuousClock.Instant
    ) {
        let present = Set(network.addresses(of: link.index).map(\.address))
        for address in wanted {
            if present.contains(address) {
                addresses.append(Address(address: address, step: .keep))
            } else if !bridge.addresses.contains(address) {
                addresses.append(Address(address: address, step: .add))
            } else if let restored = bridge.restored[address], now - restored < Self.restoringInterval {
                let rest = Self.restoringInterval - (now - restored)
                nextRestoration = min(nextRestoration ?? rest, rest)
            } else {
                addresses.append(Address(address: address, step: .restore))
            }
        }
        answered = addresses.map { AnsweredAddress(metadata: $0.address, host: $0.address) }
        guard !bridge.hasPorts else { return }
        let all = addresses.map { ServedBridge.Endpoint(address: $0.address, port: HostUse.port) }
        endpoints = all.filter { !bridge.endpoints.contains($0) }
    }

    /// Redirects packets to the bridge's own addresses: each metadata address to a different one, so that the rule for replies knows which metadata
    /// address the request was sent to.
    private mutating func planRedirect(_ reason: String, _ bridge: ServedBridge, _ network: HostNetwork, hasIPv6: Bool) {
        guard bridge.hasPorts else {
            notes.append(.cannotRedirect(link.name, "\(reason), and packets can be redirected on kernel bridges only"))
            return
        }
        let others = network.ownAddresses(of: link.index)
        guard let v4 = others.first(where: { $0.family == .v4 }) else {
            let advice = "\(reason), so packets must be redirected, which needs an IPv4 address on the bridge"
            notes.append(.cannotRedirect(link.name, advice))
            return
        }
        notes.append(.canRedirect(link.name))
        answered = [AnsweredAddress(metadata: MetadataAddress.v4, host: v4)]
        guard hasIPv6 else { return }
        if let host = network.linkLocal(of: link.index) {
            answered.append(AnsweredAddress(metadata: MetadataAddress.linkLocal, host: host))
        }
        if let host = others.first(where: { $0.family == .v6 && !$0.isLinkLocal }) {
            answered.append(AnsweredAddress(metadata: MetadataAddress.uniqueLocal, host: host))
        }
    }
}
