package import Common

/// Which bridges are served: all that the hypervisor's networks and running domains name, or only the selected ones.
package struct BridgeSelection: Sendable, Equatable {
    /// Why a bridge is selected.
    package enum Source: Sendable, Equatable, CustomStringConvertible {
        case network(String)
        /// The option `--bridge`.
        case option
        /// Only a running domain names it; its author may name any link of the host.
        case domain
        /// No source any more: it is still served because a domain named it earlier.
        case earlierDomain

        /// As the log shows it.
        package var description: String {
            switch self {
            case .network(let name): "network \(name)"
            case .option: "--bridge"
            case .domain: "a running domain"
            case .earlierDomain: "an earlier domain"
            }
        }
    }

    /// The networks whose bridges are served, and the bridges themselves, by name; where both are empty, all are.
    package var networks: [String] = []
    package var bridges: [String] = []
    /// Whether every bridge of an active network or a running domain is served, as `network: all` sets.
    package var servesAll = false

    package init(networks: [String] = [], bridges: [String] = [], servesAll: Bool = false) {
        (self.networks, self.bridges, self.servesAll) = (networks, bridges, servesAll)
    }

    /// The bridges to serve, each with the reason.
    package func bridges(in snapshot: Snapshot) -> [String: Source] {
        var chosen: [String: Source] = [:]
        let isEverything = servesAll || networks.isEmpty && bridges.isEmpty
        if isEverything {
            for bridge in snapshot.bridgesInUse { chosen[bridge] = .domain }
        }
        for (network, bridge) in snapshot.bridges where isEverything || networks.contains(network) {
            chosen[bridge] = .network(network)
        }
        for bridge in bridges { chosen[bridge] = .option }
        return chosen
    }

    /// The networks of `--networks` that the hypervisor lacks, that are inactive, or that have no bridge.
    func missingNetworks(in snapshot: Snapshot) -> [String] {
        networks.filter { snapshot.bridges[$0] == nil }
    }
}
