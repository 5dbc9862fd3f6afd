package import Common

/// Which bridges are served: by default those of enabled domains; otherwise the selected ones, or all.
package struct BridgeSelection: Sendable, Equatable {
    /// Why a bridge is served.
    package enum Source: Sendable, Equatable, CustomStringConvertible {
        /// A network that the settings select.
        case network(LibvirtName)
        /// The setting `bridge`.
        case option
        /// All bridges are served, and only a running domain names this one; its author may name any link of the host.
        case domain
        /// The same, and no domain names it any more.
        case earlierDomain
        /// An enabled running domain with an interface on it; its author may name any link of the host.
        case enabledDomain(InstanceUUID, name: String, Enablement)

        /// As logs and `status` show it.
        package var description: String {
            switch self {
            case .network(let name): "network \(name)"
            case .option: "--bridge"
            case .domain: "a running domain"
            case .earlierDomain: "a domain that has stopped"
            case .enabledDomain(_, let name, let enablement): "domain \(name) (\(enablement))"
            }
        }

        /// Whether the operator of the host, and not only the author of a domain's XML, selects the bridge.
        var isOperators: Bool {
            switch self {
            case .network, .option: true
            case .domain, .earlierDomain, .enabledDomain: false
            }
        }
    }

    /// The networks whose bridges are served, and the bridges themselves, by name; where both are empty, those of enabled domains are.
    package var networks: [String] = []
    package var bridges: [String] = []
    /// Whether every bridge of an active network or a running domain is served, as `network: all` sets.
    package var servesAll = false

    package init(networks: [String] = [], bridges: [String] = [], servesAll: Bool = false) {
        (self.networks, self.bridges, self.servesAll) = (networks, bridges, servesAll)
    }

    /// Whether bridges are served for enabled domains only, and released when the last of these stops.
    package var isOptIn: Bool { networks.isEmpty && bridges.isEmpty && !servesAll }

    /// The bridges to serve, each with the reason.
    package func bridges(in snapshot: Snapshot) -> [String: Source] {
        var chosen: [String: Source] = [:]
        if isOptIn {
            for bridge in snapshot.enabledBridges { chosen[bridge] = Self.enabledDomain(on: bridge, in: snapshot) }
        }
        if servesAll {
            for bridge in snapshot.bridgesInUse { chosen[bridge] = .domain }
        }
        let selected = Set(networks.map { LibvirtName($0) })
        for (network, bridge) in snapshot.bridges where servesAll || selected.contains(network) {
            chosen[bridge] = .network(network)
        }
        for bridge in bridges { chosen[bridge] = .option }
        return chosen
    }

    /// An enabled domain of a bridge as the reason to serve it.
    ///
    /// - Parameter earlier: the previous reason, which is kept while it holds.
    static func enabledDomain(on bridge: String, in snapshot: Snapshot, after earlier: Source? = nil) -> Source? {
        var preferred: InstanceUUID?
        if case .enabledDomain(let domain, _, _) = earlier { preferred = domain }
        guard let instance = snapshot.enabledDomain(on: bridge, preferring: preferred), let enablement = instance.enabledBy
        else { return nil }
        return .enabledDomain(instance.domain, name: instance.domainName, enablement)
    }

    /// The selected networks that the hypervisor lacks, that are inactive, or that have no bridge.
    func missingNetworks(in snapshot: Snapshot) -> [String] {
        networks.filter { snapshot.bridges[LibvirtName($0)] == nil }
    }
}
