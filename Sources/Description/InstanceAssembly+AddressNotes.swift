import Common

/// Notes on the operator's addresses and routes that contradict others.
extension InstanceAssembly {
    /// What the operator says of a link, and where.
    struct LinkPlace {
        let configuration: LinkConfiguration
        let line: Int
        let element: String

        func note(_ problem: String) -> Finding { Finding(.note, line: line, element: element, problem) }
    }

    /// `nil` where the operator says nothing of the link.
    static func place(of link: GuestLink, _ metadata: OperatorMetadata) -> LinkPlace? {
        switch link.kind {
        case .interface(let interface):
            metadata.interfaces[link.mac].map {
                LinkPlace(configuration: interface.configuration, line: $0.line, element: "interfaces/interface")
            }
        case .virtual:
            metadata.virtualLinks.first { $0.name == link.id }.map {
                LinkPlace(configuration: $0.configuration, line: $0.line, element: $0.element)
            }
        }
    }

    /// Notes on routes that no document contains because of others of the link, and on addresses that are somebody else's, too.
    static func addressNotes(on links: [GuestLink], of instance: Instance, _ metadata: OperatorMetadata) -> [Finding] {
        var owners: [IPAddress: String] = [:]
        return links.flatMap { link -> [Finding] in
            guard let place = place(of: link, metadata) else { return [] }
            let conflicts = link.networks.compactMap { network -> Finding? in
                guard case .configured(let configured) = network.kind else { return nil }
                let address = configured.address
                if case .interface(let interface) = link.kind, let network = interface.network,
                    network.hostAddresses.contains(where: { $0.address == address })
                {
                    return place.note(
                        "the address \(address) is the host's own on the network '\(shown(network.name.text))': both become unreachable"
                    )
                }
                return owners.updateValue(link.id, forKey: address).map {
                    place.note("the address \(address) is that of \(shown($0)), too")
                }
            }
            return conflicts + lostRoutes(of: link, place) + [largeMTU(of: link, place, on: instance)].compactMap(\.self)
        }
    }

    /// Linux refuses a VLAN whose MTU is larger than that of the link below.
    private static func largeMTU(of link: GuestLink, _ place: LinkPlace, on instance: Instance) -> Finding? {
        guard case .virtual(.vlan(_, let base)) = link.kind, let mtu = link.mtu else { return nil }
        let below =
            switch base {
            case .interface(let mac): instance.interfaces.first { $0.mac == mac }?.mtu
            case .bond(let name): instance.virtualLinks.first { $0.name == name }?.configuration.mtu
            }
        guard mtu > below ?? 1500 else { return nil }
        return place.note("the MTU \(mtu) is larger than that of the link below (\(below ?? 1500)): guests refuse it")
    }

    private static func lostRoutes(of link: GuestLink, _ place: LinkPlace) -> [Finding] {
        let served = link.networks.flatMap(\.routes)
        let families = Set(link.networks.map(\.family))
        let own: [IPAddress] =
            if case .interface(let interface) = link.kind { interface.knownAddresses } else {
                place.configuration.addresses.map(\.address)
            }
        let wanted =
            place.configuration.gateways.compactMap(Route.defaultRoute).map { ("the gateway \($0.gateway)", $0) }
            + place.configuration.routes.map { ("the route to \($0.destination) by \($0.gateway)", $0) }
        // That a family is missing is reported already.
        return wanted.filter { _, route in families.contains(route.gateway.family) }.compactMap { name, route in
            guard !served.contains(where: { $0.destination == route.destination && $0.gateway == route.gateway }) else {
                return nil
            }
            return place.note(
                own.contains(route.gateway)
                    ? "\(name) is not served: \(route.gateway) is the guest's own address"
                    : "\(name) is not served: another default route of the link precedes it")
        }
    }
}
