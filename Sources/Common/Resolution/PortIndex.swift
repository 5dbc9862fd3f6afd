import HashTreeCollections

/// The interfaces by tap, and the number of interfaces on each bridge.
struct PortIndex: Sendable {
    private var claimants: TreeDictionary<String, [Snapshot.Owner]> = [:]
    private var interfaceCounts: TreeDictionary<String, Int> = [:]

    mutating func insert(_ owner: Snapshot.Owner) {
        if let tap = owner.description.tap { claimants[tap, default: []].append(owner) }
        if let bridge = owner.bridge { interfaceCounts[bridge, default: 0] += 1 }
    }

    /// Removes all interfaces of an instance's domain.
    mutating func remove(_ instance: Instance) {
        for bridge in instance.interfaces.compactMap(\.bridge) {
            let remaining = interfaceCounts[bridge, default: 0] - 1
            interfaceCounts[bridge] = remaining > 0 ? remaining : nil
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

    func interfaceCount(on bridge: String) -> Int { interfaceCounts[bridge] ?? 0 }
}
