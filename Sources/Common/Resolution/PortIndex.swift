import HashTreeCollections

/// The interfaces by tap, and the number of interfaces and the enabled domains on each bridge.
struct PortIndex: Sendable {
    private var claimants: TreeDictionary<String, [Snapshot.Owner]> = [:]
    private var interfaceCounts: TreeDictionary<String, Int> = [:]
    private var enabled: TreeDictionary<String, TreeDictionary<InstanceUUID, Instance>> = [:]

    mutating func insert(_ owner: Snapshot.Owner) {
        if let tap = owner.description.tap { claimants[tap, default: []].append(owner) }
        guard let bridge = owner.bridge else { return }
        interfaceCounts[bridge, default: 0] += 1
        if owner.instance.enabledBy != nil { enabled[bridge, default: [:]][owner.instance.domain] = owner.instance }
    }

    /// Removes all interfaces of an instance's domain.
    mutating func remove(_ instance: Instance) {
        for bridge in instance.interfaces.compactMap(\.bridge) {
            let remaining = interfaceCounts[bridge, default: 0] - 1
            interfaceCounts[bridge] = remaining > 0 ? remaining : nil
            guard var others = enabled[bridge], others.removeValue(forKey: instance.domain) != nil else { continue }
            enabled[bridge] = others.isEmpty ? nil : others
        }
        for tap in Set(instance.interfaces.compactMap(\.tap)) {
            let remaining = claimants[tap, default: []].filter { $0.instance.domain != instance.domain }
            claimants[tap] = remaining.isEmpty ? nil : remaining
        }
    }

    /// The domain's XML does not name the bridge of an interface of type `ethernet`.
    func claimants(of tap: String, on bridge: String) -> [Snapshot.Owner] {
        claimants[tap]?.filter { $0.bridge == nil || $0.bridge == bridge } ?? []
    }

    /// The bridges that have at least one interface.
    var bridges: [String] { Array(interfaceCounts.keys) }

    /// The bridges that have an interface of an enabled domain.
    var enabledBridges: [String] { Array(enabled.keys) }

    /// The enabled domains with an interface on a bridge.
    func enabledDomains(on bridge: String) -> TreeDictionary<InstanceUUID, Instance> { enabled[bridge] ?? [:] }

    func interfaceCount(on bridge: String) -> Int { interfaceCounts[bridge] ?? 0 }
}
