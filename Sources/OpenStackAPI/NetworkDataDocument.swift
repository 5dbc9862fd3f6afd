import Common

/// `network_data.json`: the links of the guest and their addresses; `nil` if no link has a network.
///
/// A link is named by its number, not by its tap, whose name changes with every start. A guest that reads a document without
/// networks configures none, so such a document is not served, and the guest falls back to DHCP. The format has no word for a
/// link that need not come up, so such a link has no networks.
func networkData(of instance: Instance) -> JSONValue? {
    let links = instance.guestLinks
    let names = Dictionary(links.map { ($0.mac, $0.id) }) { first, _ in first }
    var networks: [JSONValue] = []
    var (nameServers, known): ([IPAddress], Set<IPAddress>) = ([], [])
    let defaults = links.flatMap(\.requiredNetworks).flatMap(\.routes).filter { $0.isDefault && $0.metric == nil }
    var unranked = Set(defaults.map(\.gateway.family))
    for link in links {
        for network in link.requiredNetworks {
            networks.append(network.json(number: networks.count, on: link, &unranked))
            for server in network.nameServers where known.insert(server).inserted { nameServers.append(server) }
        }
    }
    guard !networks.isEmpty else { return nil }
    return .object([
        JSONMember("links", .array(links.map { $0.json(names) })), JSONMember("networks", .array(networks)),
        JSONMember("services", services(nameServers)),
    ])
}

extension GuestLink {
    /// Nova's members in Nova's order; the additional members of a bond or a VLAN follow Ironic and Nova's own schema.
    ///
    /// - Parameter names: the names of the interfaces in this document.
    fileprivate func json(_ names: [MACAddress: String]) -> JSONValue {
        var members = [JSONMember("id", .string(id)), JSONMember("type", .string(type))]
        if let mtu {
            members.append(JSONMember("mtu", .integer(Int64(mtu))))
        } else if case .interface = kind {
            // As Nova writes it. In a bond or VLAN cloud-init's schema accepts only numbers.
            members.append(JSONMember("mtu", .null))
        }
        members.append(JSONMember("ethernet_mac_address", .string(mac.description)))
        return .object(members + typeMembers(names))
    }

    private var type: String {
        switch kind {
        case .interface: "phy"
        case .virtual(.bond): "bond"
        case .virtual(.vlan): "vlan"
        }
    }

    /// The type of an IPv6 network that configures itself. cloud-init ignores router advertisements on a link with static IPv6
    /// addresses unless a network after them is of one of two types.
    fileprivate func type(of method: LinkConfiguration.IPv6Method) -> String {
        let isStatic = networks.contains {
            if case .configured(let address) = $0.kind { address.address.family == .v6 } else { false }
        }
        return isStatic && [.slaac, .stateless].contains(method) ? "dhcp" : method.rawValue
    }

    /// The identifier of the link's network.
    fileprivate var network: String {
        if case .interface(let interface) = kind { interface.network?.uuid ?? interface.bridge ?? id } else { id }
    }

    /// The members of this type of link.
    private func typeMembers(_ names: [MACAddress: String]) -> [JSONMember] {
        switch kind {
        case .interface: return []
        case .virtual(.bond(let mode, let members, let parameters)):
            return [
                JSONMember("bond_links", .array(members.compactMap { names[$0] }.map(JSONValue.string))),
                JSONMember("bond_mode", .string(mode)),
            ] + parameters.map { JSONMember($0.name, Int64($0.value).map(JSONValue.integer) ?? .string($0.value)) }
        case .virtual(.vlan(let id, let base)):
            let on =
                switch base {
                case .interface(let mac): names[mac] ?? ""
                case .bond(let name): name
                }
            return [
                JSONMember("vlan_link", .string(on)), JSONMember("vlan_id", .integer(Int64(id))),
                JSONMember("vlan_mac_address", .string(mac.description)),
            ]
        }
    }
}

extension GuestNetwork {
    /// - Parameter unranked: the families of which a default route has no metric; two of them are an error to netplan.
    fileprivate func json(number: Int, on link: GuestLink, _ unranked: inout Set<IPAddress.Family>) -> JSONValue {
        let id = JSONMember("id", .string("network\(number)"))
        let (onLink, network) = (JSONMember("link", .string(link.id)), JSONMember("network_id", .string(link.network)))
        // Of a gateway outside the subnet cloud-init knows that it is on the link only if it is not in `routes`. Its metric is left
        // out: cloud-init uses none there, and its schema rejects it before version 25.2.
        let gateway = routes.first {
            $0.isDefault && $0.isOnLink && ($0.metric == nil || unranked.insert($0.gateway.family).inserted)
        }
        let others = routes.filter { $0 != gateway }.map(json)
        switch kind {
        case .dhcp4, .ipv6:
            let type = if case .ipv6(let method) = kind { "ipv6_" + link.type(of: method) } else { "ipv4_dhcp" }
            return .object(
                [id, JSONMember("type", .string(type)), onLink, network]
                    + (others.isEmpty ? [] : [JSONMember("routes", .array(others))]) + search)
        case .configured(let address):
            let family = address.address.family
            var members = [
                id, JSONMember("type", .string(family == .v4 ? "ipv4" : "ipv6")), onLink,
                JSONMember("ip_address", .string(address.address.description)),
                JSONMember("netmask", .string(netmask(of: address.prefixLength ?? 0, family))),
            ]
            if let gateway { members.append(JSONMember("gateway", .string(gateway.gateway.description))) }
            members += [
                JSONMember("routes", .array(routesToGateways + others)), network, JSONMember("services", services(nameServers)),
            ]
            return .object(members + servers + search)
        }
    }

    /// Routes to the gateways outside the subnets. cloud-init before 23.1 does not know that they are on the link, and the kernel then refuses
    /// the routes through them. Neutron too writes a route without a next hop this way. The kernel has no such route for IPv6.
    private var routesToGateways: [JSONValue] {
        var known: Set<IPAddress> = []
        let gateways = routes.filter { $0.isOnLink && $0.gateway.family == .v4 }.map(\.gateway)
        return gateways.filter { known.insert($0).inserted }.map { gateway in
            .object([
                JSONMember("network", .string(gateway.description)), JSONMember("netmask", .string(netmask(of: 32, .v4))),
                JSONMember("gateway", .string("0.0.0.0")),
            ])
        }
    }

    /// The name servers once more: cloud-init before 24.3 does not read a network's `services`.
    private var servers: [JSONMember] {
        nameServers.isEmpty ? [] : [JSONMember("dns_nameservers", .array(nameServers.map { .string($0.description) }))]
    }

    private var search: [JSONMember] {
        searchDomains.isEmpty ? [] : [JSONMember("dns_search", .array(searchDomains.map(JSONValue.string)))]
    }

    private func json(of route: Route) -> JSONValue {
        let destination = route.destination
        let members = [
            JSONMember("network", .string(destination.address.description)),
            JSONMember("netmask", .string(netmask(of: destination.prefixLength, destination.address.family))),
            JSONMember("gateway", .string(route.gateway.description)),
        ]
        return .object(members + (route.metric.map { [JSONMember("metric", .integer(Int64($0)))] } ?? []))
    }
}

/// A netmask as text, also for IPv6.
private func netmask(of length: Int, _ family: IPAddress.Family) -> String {
    let masks = family == .v4 ? netmasks4 : netmasks6
    return masks.indices.contains(length) ? masks[length] : ""
}

// Made once: a document may have thousands of them.
private let (netmasks4, netmasks6) = (netmasks(ofBytes: 4), netmasks(ofBytes: 16))

/// All netmasks of a family, by their length.
private func netmasks(ofBytes count: Int) -> [String] {
    guard let ones = IPAddress(octets: [UInt8](repeating: 0xFF, count: count)) else { return [] }
    return (0...8 * count).map { AddressRange(ones, prefixLength: $0)?.canonical.address.description ?? "" }
}

private func services(_ nameServers: [IPAddress]) -> JSONValue {
    .array(
        nameServers.map {
            .object([JSONMember("type", .string("dns")), JSONMember("address", .string($0.description))])
        })
}
