import Common
import YAML

/// Checks what the links of a network configuration say about each other and about the domain.
struct NetworkConfigReferences {
    let links: [NetworkConfigLink]
    /// The names of all links, also of those that are not read here.
    private let names: Set<String>
    /// What configures the links, unless one of them says otherwise.
    private let renderer: String?

    /// - Parameter others: the names of links that are not read here.
    init(links: [NetworkConfigLink], others: Set<String>, renderer: String?) {
        (self.links, self.renderer) = (links, renderer)
        names = others.union(links.map(\.id))
    }

    private typealias Remarks = NetworkConfigRemarks

    func check(_ interfaces: [MACAddress], _ remarks: inout NetworkConfigRemarks) {
        checkNames(&remarks)
        checkMatches(interfaces, &remarks)
        checkMembers(&remarks)
        checkVLANs(&remarks)
        checkCircles(&remarks)
        for link in links {
            checkRoutes(of: link, &remarks)
            checkOverrides(of: link, &remarks)
            let (servers, domains) = (link.value("nameservers", "addresses"), link.value("nameservers", "search"))
            if let domains, !domains.elements.isEmpty, servers?.elements.isEmpty ?? true {
                remarks.note(
                    domains, "\(link.path)/nameservers/search",
                    "without netplan cloud-init fails on search domains without addresses: add the name servers")
            }
        }
    }

    private func checkNames(_ remarks: inout Remarks) {
        var sections: [String: String] = [:]
        for link in links {
            if let other = sections.updateValue(link.section, forKey: link.id) {
                remarks.error(link.key, link.path, "duplicate name, also in \(other): give each link a name of its own")
            }
            if link.id.unicodeScalars.contains(where: { "*[]?".unicodeScalars.contains($0) }) {
                remarks.error(
                    link.key, link.path, "invalid name: netplan takes '*', '?' and brackets for a pattern, and fails: use match")
            }
            if link.section != "ethernets", !LinkName.isPossible(link.id) {
                remarks.error(
                    link.key, link.path,
                    "invalid name: expected \(NetworkConfigForm.linkName.expectation), as the link's in Linux")
            }
        }
    }

    // MARK: The domain's interfaces

    /// cloud-init fails on a link to rename that the guest has not, and drops the whole configuration.
    private func checkMatches(_ interfaces: [MACAddress], _ remarks: inout Remarks) {
        var paths: [MACAddress: String] = [:]
        for link in links where link.section == "ethernets" {
            let path = "\(link.path)/match/macaddress"
            guard let mac = link.mac, let node = link.value("match", "macaddress") else {
                checkUnmatched(link, &remarks)
                continue
            }
            guard interfaces.contains(mac) else {
                let most = 4
                let known = interfaces.prefix(most).map(\.description).joined(separator: ", ")
                let expected =
                    interfaces.isEmpty
                    ? "the domain has none" : "expected \(known)\(interfaces.count > most ? " or another of its interfaces" : "")"
                remarks.error(node, path, "no interface of the domain has the MAC address \(mac): \(expected)")
                continue
            }
            if let other = paths.updateValue(link.path, forKey: mac) {
                remarks.error(node, path, "duplicate MAC address, also of \(other): describe an interface once")
            }
        }
    }

    private func checkUnmatched(_ link: NetworkConfigLink, _ remarks: inout Remarks) {
        if let name = link.entry("set-name") {
            return remarks.error(
                name.key, "\(link.path)/set-name", "cloud-init renames a link by its MAC address: add match: {macaddress: …}")
        }
        let (name, driver) = (link.value("match", "name")?.text, link.value("match", "driver")?.text)
        let subject =
            name.map { "the name '\(shown($0))' in the guest" } ?? driver.map { "the driver '\(shown($0))'" }
            ?? "the name '\(shown(link.id))' in the guest"
        remarks.note(
            link.key, link.path,
            "matches by \(subject), which is not checked; network_data.json cannot express this: use match: {macaddress: …}")
    }

    // MARK: Links on links

    private func checkMembers(_ remarks: inout Remarks) {
        var masters: [String: String] = [:]
        for link in links where ["bonds", "bridges"].contains(link.section) {
            let path = "\(link.path)/interfaces"
            guard link.value("interfaces") != nil else {
                remarks.error(link.key, path, "missing key: expected the names of its links, such as [lan0, lan1]")
                continue
            }
            for node in link.list("interfaces") {
                let name = node.text ?? ""
                if !names.contains(name) {
                    remarks.error(node, path, undefined(name))
                } else if let master = masters.updateValue(link.path, forKey: name) {
                    remarks.error(node, path, "'\(shown(name))' is also a member of \(master): a link has one master")
                }
            }
            checkPorts(of: link, &remarks)
            if let primary = link.value("parameters", "primary"),
                !link.list("interfaces").contains(where: { $0.text == primary.text })
            {
                remarks.error(
                    primary, "\(link.path)/parameters/primary",
                    "'\(shown(primary.text ?? ""))' is not a member: expected one of the names in interfaces")
            }
        }
    }

    private func checkPorts(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        let members = Set(link.list("interfaces").compactMap(\.text))
        for key in ["path-cost", "port-priority"] {
            guard let ports = link.value("parameters", key), let entries = try? NetworkConfigEntry.all(of: ports) else {
                continue
            }
            for entry in entries where !members.contains(entry.name) {
                remarks.error(
                    entry.key, "\(link.path)/parameters/\(key)",
                    "'\(shown(entry.name))' is not a member: expected one of the names in interfaces")
            }
        }
    }

    private func undefined(_ name: String) -> String {
        let near = nearestWord(to: name, among: links.map(\.id)).map { "; did you mean '\($0)'?" }
        return "no link is named '\(shown(name))'\(near ?? ": define it below ethernets, bonds, bridges or vlans")"
    }

    private func checkVLANs(_ remarks: inout Remarks) {
        for link in links where link.section == "vlans" {
            for key in ["id", "link"] where link.value(key) == nil {
                let expected = key == "id" ? "the VLAN's tag, an integer" : "the name of the link below"
                remarks.error(link.key, "\(link.path)/\(key)", "missing key: expected \(expected)")
            }
            if let base = link.value("link"), let name = base.text, !names.contains(name) || name == link.id {
                let problem = name == link.id ? "a link cannot be on itself: expected the name of another link" : undefined(name)
                remarks.error(base, "\(link.path)/link", problem)
            }
        }
    }

    /// Links that are on each other in a circle: what is left when every link whose links below are all removed is removed.
    private func checkCircles(_ remarks: inout Remarks) {
        let names = Set(links.map(\.id))
        var (missing, above): ([String: Int], [String: [String]]) = ([:], [:])
        for link in links {
            let below = Set((link.list("interfaces") + [link.value("link")].compactMap(\.self)).compactMap(\.text))
            for name in below where names.contains(name) {
                missing[link.id, default: 0] += 1
                above[name, default: []].append(link.id)
            }
        }
        var free = names.filter { missing[$0] == nil }.map(\.self)
        while let name = free.popLast() {
            for other in above[name] ?? [] {
                missing[other, default: 0] -= 1
                if missing[other] == 0 { free.append(other) }
            }
        }
        // A VLAN on itself is reported with its own key.
        for link in links where missing[link.id, default: 0] > 0 && link.value("link")?.text != link.id {
            remarks.error(link.key, link.path, "the links below this one form a circle: remove a name from interfaces or link")
        }
    }

    // MARK: DHCP

    /// netplan fails on a link whose two families ignore different things, unless NetworkManager configures it.
    private func checkOverrides(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        guard link.boolean("dhcp4") == true, link.boolean("dhcp6") == true,
            (link.value("renderer")?.text ?? renderer) != "NetworkManager"
        else { return }
        let values = ["dhcp4-overrides", "dhcp6-overrides"].map { key in
            Dictionary(link.entries(key).map { ($0.name, $0.value) }) { first, _ in first }
        }
        for name in NetworkConfigKey.overrides.map(\.name) {
            let texts = values.map { Self.override($0[name], named: name) }
            guard texts[0] != texts[1], let node = values[0][name] ?? values[1][name] else { continue }
            let (family, other) = values[0][name] == nil ? (6, 4) : (4, 6)
            remarks.error(
                node, "\(link.path)/dhcp\(family)-overrides/\(name)",
                "netplan refuses a configuration whose dhcp\(other)-overrides differ: write the same value there")
        }
    }

    /// A value as it is compared: what is not said is true, or nothing.
    private static func override(_ node: YAMLNode?, named name: String) -> String? {
        if let value = node?.boolean { return String(value) }
        let isBoolean = !["hostname", "route-metric", "use-domains"].contains(name)
        return node?.text ?? (isBoolean ? "true" : nil)
    }

    // MARK: Routes

    private func checkRoutes(of link: NetworkConfigLink, _ remarks: inout Remarks) {
        let path = "\(link.path)/routes"
        let subnets = link.list("addresses").compactMap { $0.address?.subnet }
        let asks = link.boolean("dhcp4") == true || link.boolean("dhcp6") == true
        func isReachable(_ router: IPAddress) -> Bool {
            asks || subnets.isEmpty || router.isLinkLocal || subnets.contains { $0.contains(router) }
        }
        for key in ["gateway4", "gateway6"] {
            guard let node = link.value(key), let gateway = node.text.flatMap({ IPAddress($0) }), !isReachable(gateway) else {
                continue
            }
            remarks.note(
                node, "\(link.path)/\(key)",
                "in no subnet of the link's addresses: guests refuse it; use a route with on-link: true")
        }
        for node in link.list("routes") {
            let route = NetworkConfigRoute(node)
            guard let to = route.value("to") else {
                remarks.error(node, path, "missing key 'to': expected the destination, such as 0.0.0.0/0")
                continue
            }
            guard let via = route.via else { continue }
            if let other = [route.destination, route.source].compactMap(\.self).first(where: { $0.address.family != via.family })
            {
                remarks.error(to, path, "'\(other)' and '\(via)' are of different address families")
            } else if route.isOnLink != true, !isReachable(via) {
                remarks.note(
                    node, path,
                    "the gateway \(via) is in no subnet of the link's addresses: guests refuse the route without on-link: true")
            }
        }
    }
}

/// A route of a link.
struct NetworkConfigRoute {
    private let values: [String: YAMLNode]

    init(_ node: YAMLNode) {
        let entries = (try? NetworkConfigEntry.all(of: node)) ?? []
        values = Dictionary(entries.map { ($0.name, $0.value) }) { first, _ in first }
    }

    func value(_ key: String) -> YAMLNode? { values[key] }

    var via: IPAddress? { values["via"]?.text.flatMap { IPAddress($0) } }
    var metric: Int? { values["metric"]?.integer }
    var isOnLink: Bool? { values["on-link"]?.boolean }

    /// The destination; `default` is that of the gateway's family.
    var destination: AddressRange? {
        guard let text = values["to"]?.text else { return nil }
        return text == "default" ? via.flatMap { AddressRange($0, prefixLength: 0) } : AddressRange(text)
    }

    /// The addresses from which packets take the route.
    var source: AddressRange? { values["from"]?.text.flatMap { AddressRange($0) } }

    /// Whether the route is of the main table and through a gateway, as those of `network_data.json` are.
    var isPlain: Bool {
        via != nil && values["table"] == nil && ["unicast", nil].contains(values["type"]?.text)
            && ["global", nil].contains(values["scope"]?.text)
    }
}
