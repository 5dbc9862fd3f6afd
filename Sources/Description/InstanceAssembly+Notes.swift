import Common

/// Notes on interfaces that are not served, or that a guest may not configure as its operator expects.
extension InstanceAssembly {
    /// The interface types whose packets never pass a bridge.
    private static let bridgeless = [
        "direct": "macvtap", "hostdev": "a device of the host", "user": "user-mode networking or passt", "vdpa": "vDPA",
        "vhostuser": "a switch in user space", "null": "nothing", "udp": "a UDP tunnel", "server": "a TCP tunnel",
        "client": "a TCP tunnel", "mcast": "a multicast tunnel", "internal": "a network inside the hypervisor",
    ]

    /// - Parameter network: the interface's libvirt network.
    static func unreachable(_ interface: DomainXML.Interface, on network: NetworkXML?) -> Finding? {
        let problem: String
        if let kind = bridgeless[interface.type] {
            problem =
                "\(interface.mac) is of type '\(interface.type)' (\(kind)): its requests pass no bridge, so it is not served"
        } else if interface.type == "ethernet" {
            let tap = interface.tap.map { "tap '\(shown($0))'" } ?? "tap"
            problem = "\(interface.mac) is of type 'ethernet': it is served only while its \(tap) is a port of a served bridge"
        } else if interface.bridge == nil, let network, network.isBridgeless, let mode = network.forwardMode {
            problem =
                "\(interface.mac) is on the network '\(shown(network.name.text))', which has no bridge (<forward mode='\(mode)'>): "
                + "its requests pass no bridge, so it is not served"
        } else {
            return nil
        }
        return Finding(.note, line: interface.line, element: "devices/interface", problem)
    }

    func networkNotes(on links: [GuestLink], _ interfaces: [DomainXML.Interface]) -> [Finding] {
        interfaces.flatMap { interface -> [Finding] in
            guard let link = links.first(where: { $0.mac == interface.mac }), case .interface(let described) = link.kind else {
                return []
            }
            var notes: [(element: String, problem: String)] = []
            if interface.isDown {
                notes.append(
                    ("link", "the link of \(interface.mac) is down (<link state='down'/>): guests do not wait for it"))
            } else if link.isUnsure, !link.networks.isEmpty,
                interface.type == "ethernet" || Self.unreachable(interface, on: interface.network.flatMap { networks[$0] }) == nil
            {
                let problem =
                    "nothing says how \(interface.mac) gets addresses: OpenStack guests leave it unconfigured, NoCloud guests "
                    + "try DHCP without waiting for it; for DHCP add <ipv4>dhcp</ipv4> to its <interface>"
                notes.append(("source", problem))
            }
            if let network = interface.network.flatMap({ networks[$0] }), network.leasesOnlyToHosts,
                described.configuration.ipv4 == nil, !link.networks.contains(where: { $0.family == .v4 })
            {
                let problem =
                    "\(interface.mac) gets no IPv4 address from the network '\(shown(network.name.text))': its <dhcp> has no <range>, and no "
                    + "<host> with this MAC address or the guest's host name"
                notes.append(("source", problem))
            }
            if let network = interface.network.flatMap({ networks[$0] }), network.lacksSLAAC, described.configuration.ipv6 == nil,
                !described.configuration.addresses.contains(where: { $0.address.family == .v6 })
            {
                let problem =
                    "\(interface.mac) gets no IPv6 address from the network '\(shown(network.name.text))': "
                    + "without <dhcp> guests need a prefix of 64 bits"
                notes.append(("source", problem))
            }
            return notes.map { Finding(.note, line: interface.line, element: "devices/interface/\($0.element)", $0.problem) }
        }
    }

    /// Notes on the operator's values that no document contains, because the link does not use their address family.
    func unusedValues(on links: [GuestLink], of instance: Instance, _ metadata: OperatorMetadata) -> [Finding] {
        let bonded = Set(instance.virtualLinks.flatMap(\.members))
        return links.flatMap { link -> [Finding] in
            guard let place = Self.place(of: link, metadata) else { return [] }
            let (configuration, note) = (place.configuration, place.note)
            if case .interface = link.kind, bonded.contains(link.mac) {
                return configuration.isEmpty
                    ? [] : [note("\(link.mac) is a member of a bond: its own addresses and routes are not served")]
            }
            let families = Set(link.networks.map(\.family))
            let values =
                configuration.gateways.map { ("gateway \($0)", $0.family) }
                + configuration.routes.map { ("route to \($0.destination)", $0.gateway.family) }
                + configuration.nameServers.map { ("name server \($0)", $0.family) }
            return values.filter { !families.contains($0.1) }.map { value, family in
                note("the \(value) is not served: the link has no IP\(family == .v4 ? "v4" : "v6") address, DHCP or SLAAC")
            }
        }
    }
}

extension LinkConfiguration {
    /// Whether the configuration assigns nothing: no addresses, gateways, routes or name servers.
    fileprivate var isEmpty: Bool { addresses.isEmpty && gateways.isEmpty && routes.isEmpty && nameServers.isEmpty }
}
