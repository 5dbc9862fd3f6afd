import Common

/// Which bridges are served: those that the hypervisor's networks and running domains name, or only some of them.
struct BridgeSelection: Sendable, Equatable {
    /// The networks whose bridges are served, and the bridges themselves, by name; where both are empty, all are.
    var networks: [String] = []
    var bridges: [String] = []

    /// The bridges to serve, each with what named it.
    func bridges(in snapshot: Snapshot) -> [String: String] {
        var chosen: [String: String] = [:]
        let isEverything = networks.isEmpty && bridges.isEmpty
        if isEverything {
            for bridge in snapshot.bridgesInUse { chosen[bridge] = "a running domain" }
        }
        for (network, bridge) in snapshot.bridges where isEverything || networks.contains(network) {
            chosen[bridge] = "network \(network)"
        }
        for bridge in bridges { chosen[bridge] = "--bridge" }
        return chosen
    }

    /// The networks of `--networks` that the hypervisor does not have, or not active, or without a bridge.
    func missingNetworks(in snapshot: Snapshot) -> [String] {
        networks.filter { snapshot.bridges[$0] == nil }
    }
}
