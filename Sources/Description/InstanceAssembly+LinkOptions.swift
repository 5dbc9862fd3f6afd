import Common

/// Notes on what the operator says of a link besides its addresses, where a document cannot express it or no guest heeds it.
extension InstanceAssembly {
    static func linkOptionNotes(on all: [GuestLink], _ metadata: OperatorMetadata) -> [Finding] {
        let links = Dictionary(all.map { ($0.id, $0) }) { first, _ in first }
        let interfaces = all.compactMap { link -> [Finding]? in
            guard case .interface = link.kind, let values = metadata.interfaces[link.mac] else { return nil }
            return notes(on: values.configuration, link).map {
                Finding(.note, line: values.line, element: "interfaces/interface", $0)
            }
        }
        let virtual = metadata.virtualLinks.compactMap { element in
            links[element.name].map { link in
                notes(on: element.configuration, link).map {
                    Finding(.note, line: element.line, element: element.element, $0)
                }
            }
        }
        return (interfaces + virtual).flatMap(\.self)
    }

    private static func notes(on configuration: LinkConfiguration, _ link: GuestLink) -> [String] {
        var notes: [String] = []
        if configuration.isOptional == true, !link.requiredNetworks.isEmpty {
            notes.append("network_data.json cannot express optional: OpenStack guests wait for \(link.mac)")
        }
        let asks4 = link.networks.contains { if case .dhcp4 = $0.kind { true } else { false } }
        let asks6 = link.networks.contains {
            if case .ipv6(let method) = $0.kind { method != .slaac && method != .none } else { false }
        }
        for (element, members, asks) in [
            ("dhcp4-overrides", configuration.overrides.ipv4, asks4), ("dhcp6-overrides", configuration.overrides.ipv6, asks6),
        ] where !members.isEmpty {
            let names = members.map(\.name).joined(separator: ", ")
            notes.append(
                asks
                    ? "network_data.json cannot express \(element) (\(names)): OpenStack guests use the whole DHCP lease"
                    : "\(element) (\(names)) is not served: \(link.mac) does not use DHCPv\(element == "dhcp4-overrides" ? 4 : 6)"
            )
        }
        if !configuration.searchDomains.isEmpty, link.networks.isEmpty {
            notes.append("search is not served: the link has no address, DHCP or SLAAC")
        } else if !configuration.searchDomains.isEmpty, link.networks.allSatisfy(\.nameServers.isEmpty) {
            notes.append(
                "network-config cannot express search without name servers: add <dns>, otherwise NoCloud guests do not get it")
        }
        for route in link.networks.flatMap(\.routes) where route.isDefault && route.isOnLink && route.metric != nil {
            guard configuration.gatewayMetrics[route.gateway.family] != nil else { continue }
            notes.append(
                "network_data.json cannot express the metric of the gateway \(route.gateway), which is in no subnet of the link")
        }
        return notes
    }
}
