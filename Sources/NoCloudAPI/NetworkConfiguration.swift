import Common
import JSON

/// The operator's own configuration, byte for byte, else the derived one, else an empty file.
func networkConfigurationFile(of instance: Instance) -> Node {
    if let passed = instance.documents.networkConfiguration { return .bytes(passed.bytes) }
    return .text(networkConfiguration(of: instance).map { JSONEncoding.yamlText($0) } ?? "")
}

/// `network-config`, version 2 (https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html), from the same data
/// as OpenStack's `network_data.json`; `nil` without any network, so that the guest falls back to DHCP.
///
/// Interfaces are matched by MAC address and keep the names that the guest's kernel gives them.
func networkConfiguration(of instance: Instance) -> JSONValue? {
    let links = instance.guestLinks
    guard links.contains(where: { !$0.requiredNetworks.isEmpty }) else { return nil }
    // Without metrics the guest's default route is that of the fastest DHCP server.
    let asking = links.filter(\.usesDHCP4).map(\.id)
    let metrics = Dictionary(asking.enumerated().map { ($1, 100 * ($0 + 1)) }) { first, _ in first }
    let ranked = metrics.count > 1 ? metrics : [:]
    let names = Dictionary(links.map { ($0.mac, $0.id) }) { first, _ in first }
    let macs = Dictionary(links.map { ($0.id, $0.mac) }) { first, _ in first }
    let sections: [(name: String, links: [JSONMember])] = [
        ("ethernets", links.compactMap { $0.ethernet(ranked[$0.id]) }),
        ("bonds", links.compactMap { $0.bond(names, ranked[$0.id]) }),
        ("vlans", links.compactMap { $0.vlan(names, macs, ranked[$0.id]) }),
    ]
    return .object(
        [JSONMember("version", .integer(2))]
            + sections.filter { !$0.links.isEmpty }.map { JSONMember($0.name, .object($0.links)) })
}

extension GuestLink {
    fileprivate var usesDHCP4: Bool {
        networks.contains { if case .dhcp4 = $0.kind { true } else { false } }
    }

    /// - Parameter metric: the metric of the routes from DHCP.
    fileprivate func ethernet(_ metric: Int?) -> JSONMember? {
        guard case .interface = kind else { return nil }
        return JSONMember(
            id, .object([JSONMember("match", .object([JSONMember("macaddress", .string(mac.description))]))] + common(metric)))
    }

    fileprivate func bond(_ names: [MACAddress: String], _ metric: Int?) -> JSONMember? {
        guard case .virtual(.bond(let mode, let members, let parameters)) = kind else { return nil }
        let all = [JSONMember("mode", .string(mode))] + parameters.compactMap(Self.parameter)
        return JSONMember(
            id,
            .object(
                [
                    JSONMember("interfaces", .array(members.compactMap { names[$0] }.map(JSONValue.string))),
                    JSONMember("macaddress", .string(mac.description)), JSONMember("parameters", .object(all)),
                ] + common(metric)))
    }

    fileprivate func vlan(_ names: [MACAddress: String], _ macs: [String: MACAddress], _ metric: Int?) -> JSONMember? {
        guard case .virtual(.vlan(let number, let base)) = kind else { return nil }
        let link =
            switch base {
            case .interface(let mac): names[mac] ?? ""
            case .bond(let name): name
            }
        // Without one of its own it has that of the link below.
        let own = macs[link] == mac ? [] : [JSONMember("macaddress", .string(mac.description))]
        return JSONMember(
            id, .object([JSONMember("id", .integer(Int64(number))), JSONMember("link", .string(link))] + own + common(metric)))
    }

    /// A parameter of the bonding driver by its name in this format; `nil` if the format has none.
    private static func parameter(_ parameter: Tag) -> JSONMember? {
        let names = [
            "bond_miimon": "mii-monitor-interval", "bond_xmit_hash_policy": "transmit-hash-policy", "bond_lacp_rate": "lacp-rate",
        ]
        guard let name = names[parameter.name] else { return nil }
        // cloud-init's schema of this format wants numbers as text, too.
        return JSONMember(name, .string(parameter.value))
    }

    /// The members of every kind of link.
    private func common(_ metric: Int?) -> [JSONMember] {
        var members: [JSONMember] = []
        var addresses: [JSONValue] = []
        var routes: [JSONValue] = []
        var (servers, domains) = ([IPAddress](), [String]())
        var (knownServers, knownDomains): (Set<IPAddress>, Set<String>) = ([], [])
        var dhcp6 = false
        for network in networks {
            switch network.kind {
            case .dhcp4: break
            // For SLAAC, too: cloud-init without netplan configures no IPv6 otherwise. Clients use DHCPv6 only if the router says so.
            case .ipv6: dhcp6 = true
            case .configured(let address):
                addresses.append(.string("\(address.address)/\(address.prefixLength ?? 0)"))
            }
            routes += network.routes.map(Self.json)
            for server in network.nameServers where knownServers.insert(server).inserted { servers.append(server) }
            for domain in network.searchDomains where knownDomains.insert(domain).inserted { domains.append(domain) }
        }
        if isOptional { members.append(JSONMember("optional", .bool(true))) }
        members.append(JSONMember("dhcp4", .bool(usesDHCP4)))
        let overrides = overrides(metric, dhcp4: usesDHCP4, dhcp6: dhcp6)
        if usesDHCP4, !overrides.ipv4.isEmpty { members.append(JSONMember("dhcp4-overrides", .object(overrides.ipv4))) }
        if dhcp6 { members.append(JSONMember("dhcp6", .bool(true))) }
        if dhcp6, !overrides.ipv6.isEmpty { members.append(JSONMember("dhcp6-overrides", .object(overrides.ipv6))) }
        // Without the member Linux adds an address of its own to the operator's; `network_data.json` means the same.
        if let acceptsAdvertisements { members.append(JSONMember("accept-ra", .bool(acceptsAdvertisements))) }
        if !hasLinkLocal { members.append(JSONMember("link-local", .array([]))) }
        if !addresses.isEmpty { members.append(JSONMember("addresses", .array(addresses))) }
        if !routes.isEmpty { members.append(JSONMember("routes", .array(routes))) }
        let list = servers.isEmpty ? [] : [JSONMember("addresses", .array(servers.map { .string($0.description) }))]
        // cloud-init reports domains without servers as an error, and reads no further link then.
        let search = domains.isEmpty || servers.isEmpty ? [] : [JSONMember("search", .array(domains.map(JSONValue.string)))]
        if !list.isEmpty { members.append(JSONMember("nameservers", .object(list + search))) }
        if let mtu { members.append(JSONMember("mtu", .integer(Int64(mtu)))) }
        return members
    }

    /// What the guest is to ignore of DHCP's answers, and the metric of the routes in them. netplan refuses the whole configuration if
    /// the two families of a link differ in it, so each has what is said of the other; of two values that of IPv4 is used.
    private func overrides(_ metric: Int?, dhcp4: Bool, dhcp6: Bool) -> LinkConfiguration.Overrides {
        var found = overrides
        if let metric, !found.ipv4.contains(where: { $0.name == "route-metric" }) {
            found.ipv4.append(JSONMember("route-metric", .integer(Int64(metric))))
        }
        guard dhcp4, dhcp6 else { return found }
        let named = Set(found.ipv4.map(\.name))
        found.ipv4 += found.ipv6.filter { !named.contains($0.name) }
        found.ipv6 = found.ipv4
        return found
    }

    private static func json(_ route: Route) -> JSONValue {
        let destination = route.destination
        var members = [
            JSONMember("to", .string("\(destination.address)/\(destination.prefixLength)")),
            JSONMember("via", .string(route.gateway.description)),
        ]
        if let metric = route.metric { members.append(JSONMember("metric", .integer(Int64(metric)))) }
        if route.isOnLink { members.append(JSONMember("on-link", .bool(true))) }
        return .object(members)
    }
}
