import Common
import YAML

/// The address configurations of a link of a network configuration.
struct NetworkConfigNetworks {
    private let link: NetworkConfigLink
    private(set) var remarks: NetworkConfigRemarks
    private var networks: [GuestNetwork] = []

    init(of link: NetworkConfigLink, _ remarks: NetworkConfigRemarks) {
        (self.link, self.remarks) = (link, remarks)
    }

    mutating func converted() -> [GuestNetwork] {
        let addresses = link.list("addresses").compactMap(\.address)
        let (four, six) = (addresses.filter { $0.address.family == .v4 }, addresses.filter { $0.address.family == .v6 })
        networks = four.map { GuestNetwork(.configured($0)) }
        if link.boolean("dhcp4") == true { networks.append(GuestNetwork(.dhcp4)) }
        networks += six.map { GuestNetwork(.configured($0)) }
        addIPv6(isStatic: !six.isEmpty)
        addGateways()
        for node in link.list("routes") { add(node) }
        addNameServers()
        return networks
    }

    private mutating func addIPv6(isStatic: Bool) {
        let (asks, heeds) = (link.boolean("dhcp6") == true, link.boolean("accept-ra"))
        if asks {
            networks.append(GuestNetwork(.ipv6(.dhcp)))
        } else if heeds == true {
            networks.append(GuestNetwork(.ipv6(.slaac)))
        }
        // A guest of the other format heeds router advertisements with DHCPv6 and ignores them beside a static address.
        if isStatic, !asks, heeds == nil, let entry = link.entry("addresses") {
            remarks.note(
                entry.key, path("addresses"),
                "without accept-ra, NoCloud guests accept router advertisements beside a static IPv6 address, and OpenStack guests "
                    + "ignore them: write accept-ra: true or false")
        } else if heeds == false, !isStatic {
            unsaid("accept-ra")
        }
    }

    // MARK: Routes

    private mutating func addGateways() {
        for key in ["gateway4", "gateway6"] {
            guard let node = link.value(key), let gateway = node.text.flatMap({ IPAddress($0) }),
                let route = Route.defaultRoute(through: gateway)
            else { continue }
            add(route, node, path(key))
        }
    }

    private mutating func add(_ node: YAMLNode) {
        let route = NetworkConfigRoute(node)
        guard route.isPlain, let via = route.via, let destination = route.destination,
            var converted = Route(to: destination, by: via, metric: route.metric)
        else {
            remarks.note(
                node, path("routes"), "network_data.json cannot express a route without a gateway or of another table or type")
            return
        }
        converted.isOnLink = route.isOnLink == true
        add(converted, node, path("routes"))
    }

    private mutating func add(_ route: Route, _ node: YAMLNode, _ path: String) {
        let family = route.gateway.family
        guard let index = networks.firstIndex(where: { $0.family == family }) else {
            let problem = "the link has no IP\(family == .v4 ? "v4" : "v6") address, DHCP or router advertisements"
            return remarks.note(node, path, "\(problem): network_data.json cannot express a route of that family")
        }
        var route = route
        if route.isOnLink {
            // It is said by the gateway of a static address, of which there is one, and without a metric.
            let isSaid = route.isDefault && networks[index].isStatic && !networks[index].routes.contains { $0.isDefault }
            if !isSaid {
                route.isOnLink = false
                remarks.note(node, path, "network_data.json cannot express that \(route.gateway) is on the link")
            } else if route.metric != nil {
                remarks.note(node, path, "network_data.json cannot express the metric of a default route with on-link")
            }
        }
        networks[index].routes.append(route)
    }

    // MARK: Names

    private mutating func addNameServers() {
        guard let entry = link.entry("nameservers") else { return }
        let servers = (link.value("nameservers", "addresses")?.elements ?? []).compactMap { $0.text.flatMap { IPAddress($0) } }
        let domains = (link.value("nameservers", "search")?.elements ?? []).compactMap(\.text)
        guard !servers.isEmpty || !domains.isEmpty else { return }
        guard !networks.isEmpty else {
            return remarks.note(
                entry.key, path("nameservers"),
                "network_data.json cannot express the name servers of a link without addresses and DHCP")
        }
        for server in servers {
            let index = networks.firstIndex { $0.family == server.family } ?? 0
            networks[index].nameServers.append(server)
        }
        networks[0].searchDomains = domains
    }

    private func path(_ key: String) -> String { "\(link.path)/\(key)" }

    private mutating func unsaid(_ key: String) {
        if let entry = link.entry(key) { remarks.note(entry.key, path(key), NetworkConfigConversion.unsaid) }
    }
}

extension GuestNetwork {
    /// The family of its addresses.
    var family: IPAddress.Family {
        switch kind {
        case .dhcp4: .v4
        case .ipv6: .v6
        case .configured(let address): address.address.family
        }
    }

    fileprivate var isStatic: Bool { if case .configured = kind { true } else { false } }
}
