import Common

/// `network-config`, version 2 (https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html), from the same data
/// as OpenStack's `network_data.json`; `nil` without any network, so that the guest falls back to DHCP.
///
/// Interfaces are matched by MAC address and keep the names that the guest's kernel gives them.
func networkConfiguration(of instance: Instance) -> JSONValue? {
    let links = instance.guestLinks
    guard links.contains(where: { !$0.networks.isEmpty }) else { return nil }
    let names = Dictionary(links.map { ($0.mac, $0.id) }) { first, _ in first }
    let sections: [(name: String, links: [JSONMember])] = [
        ("ethernets", links.compactMap { $0.ethernet }), ("bonds", links.compactMap { $0.bond(names) }),
        ("vlans", links.compactMap { $0.vlan(names) }),
    ]
    return .object(
        [JSONMember("version", .integer(2))]
            + sections.filter { !$0.links.isEmpty }.map { JSONMember($0.name, .object($0.links)) })
}

extension GuestLink {
    fileprivate var ethernet: JSONMember? {
        guard case .interface = kind else { return nil }
        return JSONMember(
            id, .object([JSONMember("match", .object([JSONMember("macaddress", .string(mac.description))]))] + common))
    }

    fileprivate func bond(_ names: [MACAddress: String]) -> JSONMember? {
        guard case .virtual(.bond(let mode, let members, let parameters)) = kind else { return nil }
        let all = [JSONMember("mode", .string(mode))] + parameters.compactMap(Self.parameter)
        return JSONMember(
            id,
            .object(
                [
                    JSONMember("interfaces", .array(members.compactMap { names[$0] }.map(JSONValue.string))),
                    JSONMember("macaddress", .string(mac.description)), JSONMember("parameters", .object(all)),
                ] + common))
    }

    fileprivate func vlan(_ names: [MACAddress: String]) -> JSONMember? {
        guard case .virtual(.vlan(let number, let base)) = kind else { return nil }
        let link =
            switch base {
            case .interface(let mac): names[mac] ?? ""
            case .bond(let name): name
            }
        return JSONMember(
            id, .object([JSONMember("id", .integer(Int64(number))), JSONMember("link", .string(link))] + common))
    }

    /// A parameter of the bonding driver by its name in this format; `nil` if the format has none.
    private static func parameter(_ parameter: Tag) -> JSONMember? {
        let names = [
            "bond_miimon": "mii-monitor-interval", "bond_xmit_hash_policy": "transmit-hash-policy", "bond_lacp_rate": "lacp-rate",
        ]
        guard let name = names[parameter.name] else { return nil }
        return JSONMember(name, Int64(parameter.value).map(JSONValue.integer) ?? .string(parameter.value))
    }

    /// The members of every kind of link.
    private var common: [JSONMember] {
        var members: [JSONMember] = []
        var addresses: [JSONValue] = []
        var routes: [JSONValue] = []
        var servers: [IPAddress] = []
        var (dhcp4, dhcp6, heeds) = (false, false, false)
        for network in networks {
            switch network.kind {
            case .dhcp4: dhcp4 = true
            case .ipv6(let method):
                heeds = true
                dhcp6 = dhcp6 || [.dhcp, .stateful, .stateless].contains(method)
            case .configured(let address, let own):
                addresses.append(.string("\(address.address)/\(address.prefixLength ?? 0)"))
                routes += own.map(Self.json)
            }
            for server in network.nameServers where !servers.contains(server) { servers.append(server) }
        }
        members.append(JSONMember("dhcp4", .bool(dhcp4)))
        if dhcp6 || heeds { members.append(JSONMember("dhcp6", .bool(dhcp6))) }
        if heeds { members.append(JSONMember("accept-ra", .bool(true))) }
        if !addresses.isEmpty { members.append(JSONMember("addresses", .array(addresses))) }
        if !routes.isEmpty { members.append(JSONMember("routes", .array(routes))) }
        if !servers.isEmpty {
            let list = JSONValue.array(servers.map { .string($0.description) })
            members.append(JSONMember("nameservers", .object([JSONMember("addresses", list)])))
        }
        if let mtu { members.append(JSONMember("mtu", .integer(Int64(mtu)))) }
        return members
    }

    private static func json(_ route: Route) -> JSONValue {
        let destination = route.destination
        return .object([
            JSONMember("to", .string("\(destination.address)/\(destination.prefixLength)")),
            JSONMember("via", .string(route.gateway.description)),
        ])
    }
}
