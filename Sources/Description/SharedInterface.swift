import Common
import JSON

/// What is told to interfaces of many instances.
struct SharedInterface: Sendable {
    /// The interfaces that it is for.
    enum Selection: Sendable, Equatable {
        case all
        /// Those on the libvirt network or bridge of this name.
        case network(LibvirtName)

        /// The selection as the key of the element, `*` or a name.
        var key: String {
            switch self {
            case .all: "*"
            case .network(let name): name.text
            }
        }
    }

    var selection: Selection
    let values: OperatorMetadata.InterfaceElement
    /// Where the values come from, for `check --explain`.
    var origin: ValueOrigin?
    /// The same for single values, by name and text, where their lines are known.
    var origins: [String: ValueOrigin] = [:]

    func isFor(network: LibvirtName?, bridge: String?) -> Bool {
        switch selection {
        case .all: true
        case .network(let name): name == network || name == bridge.map { LibvirtName($0) }
        }
    }
}

extension OperatorMetadata.InterfaceElement {
    /// The child elements of an interface that only one instance can have.
    static let own: Set<String> = ["address", "public-ipv4", "device-number", "interface-id"]

    /// Copies the values that are missing here, a list as a whole.
    mutating func complete(by other: OperatorMetadata.InterfaceElement) {
        configuration.complete(by: other.configuration)
        networkCard = networkCard ?? other.networkCard
        identifiers.network = identifiers.network ?? other.identifiers.network
        identifiers.subnet = identifiers.subnet ?? other.identifiers.subnet
        if tags.isEmpty { tags = other.tags }
        if subnetRanges.isEmpty { subnetRanges = other.subnetRanges }
        if networkRanges.isEmpty { networkRanges = other.networkRanges }
    }

    /// The values with their elements' names, for `check --explain`.
    var entries: [(name: String, text: String)] {
        var all = configuration.entries
        all += [publicIPv4.map { ("public-ipv4", "\($0)") }].compactMap(\.self)
        all += tags.map { ("tag", $0) }
        all += [
            networkCard.map { ("network-card", "\($0)") }, identifiers.interface.map { ("interface-id", $0) },
            identifiers.network.map { ("vpc-id", $0) }, identifiers.subnet.map { ("subnet-id", $0) },
        ].compactMap(\.self)
        all += subnetRanges.map { ("subnet-cidr-block", "\($0)") } + networkRanges.map { ("vpc-cidr-block", "\($0)") }
        return all
    }
}

extension LinkConfiguration {
    fileprivate mutating func complete(by other: LinkConfiguration) {
        if gateways.isEmpty { (gateways, gatewayMetrics) = (other.gateways, other.gatewayMetrics) }
        if routes.isEmpty { routes = other.routes }
        if nameServers.isEmpty { nameServers = other.nameServers }
        if searchDomains.isEmpty { searchDomains = other.searchDomains }
        isOptional = isOptional ?? other.isOptional
        if overrides.ipv4.isEmpty { overrides.ipv4 = other.overrides.ipv4 }
        if overrides.ipv6.isEmpty { overrides.ipv6 = other.overrides.ipv6 }
        mtu = mtu ?? other.mtu
        ipv4 = ipv4 ?? other.ipv4
        ipv6 = ipv6 ?? other.ipv6
    }

    var entries: [(name: String, text: String)] {
        var all = addresses.map { address in
            ("address", "\(address.address)" + (address.prefixLength.map { "/\($0)" } ?? ""))
        }
        all += gateways.map { gateway in
            ("gateway", "\(gateway)" + (gatewayMetrics[gateway.family].map { " metric \($0)" } ?? ""))
        }
        all += routes.map { route in
            ("route", "\(route.destination) via \(route.gateway)" + (route.metric.map { " metric \($0)" } ?? ""))
        }
        all += nameServers.map { ("dns", "\($0)") } + searchDomains.map { ("search", $0) }
        all += [
            mtu.map { ("mtu", "\($0)") }, ipv4.map { ("ipv4", $0.rawValue) }, ipv6.map { ("ipv6", $0.rawValue) },
            isOptional.map { ("optional", "\($0)") },
        ].compactMap(\.self)
        for (name, members) in [("dhcp4-overrides", overrides.ipv4), ("dhcp6-overrides", overrides.ipv6)] where !members.isEmpty {
            all.append((name, JSONEncoding.text(.object(members))))
        }
        return all
    }
}

extension OperatorMetadata {
    /// Completes the values of one interface by those that are told to many.
    mutating func completeInterface(_ mac: MACAddress, line: Int, network: LibvirtName?, bridge: String?) {
        let meant = sharedInterfaces.filter { $0.isFor(network: network, bridge: bridge) }
        guard !meant.isEmpty else { return }
        var values = interfaces[mac] ?? InterfaceElement(line: line)
        for shared in meant {
            let before = Set(values.entries.map { "\($0.name) \($0.text)" })
            values.complete(by: shared.values)
            guard origins != nil else { continue }
            for entry in values.entries.map({ "\($0.name) \($0.text)" }) where !before.contains(entry) {
                origins?["\(mac) \(entry)"] = shared.origins[entry] ?? shared.origin
            }
        }
        interfaces[mac] = values
    }
}
