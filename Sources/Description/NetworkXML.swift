package import Common
package import XML

/// The parts of a libvirt network's XML that concern its guests' interfaces, as libvirt and its dnsmasq use them
/// (https://libvirt.org/formatnetwork.html; `src/network/bridge_driver.c` of libvirt).
package struct NetworkXML: Sendable, Equatable {
    package let bridge: String?
    let mtu: Int?
    /// The mode of `<forward>`; `nil` without the element.
    let forwardMode: String?
    /// The addresses that DHCP keeps for single guests.
    let hosts: DHCPHosts
    /// Whether libvirt leases addresses of any family.
    package let hasDHCP: Bool
    /// Whether libvirt leases IPv4 addresses, but only to the guests that `<host>` elements name.
    let leasesOnlyToHosts: Bool
    /// Whether guests get no IPv6 address although the host has one: dnsmasq and guests do SLAAC with prefixes of 64 bits only.
    let lacksSLAAC: Bool
    /// The facts for its guests' interfaces.
    let reference: NetworkReference
    /// The profiles for its guests.
    let metadata: NetworkMetadata
    /// Values that libvirt would refuse, or that dnsmasq never uses.
    package let findings: [Finding]
    /// The host's VLAN of the guests' interfaces.
    private let vlan: Int?
    /// The VLAN of each port group, `nil` for a trunk; `""` is the default group.
    private let groupVLANs: [String: Int?]

    /// Whether the network attaches its guests to the host's devices or to a LAN, without a bridge.
    var isBridgeless: Bool { bridge == nil && Self.hasOwnAddresses(forwardMode) == false }

    package var name: LibvirtName { reference.name }

    /// Parses the root element of a network's XML.
    package init(_ network: XMLElement) throws(DescriptionError) {
        guard network.name == "network", let name = network.first("name")?.text, !name.isEmpty else {
            throw DescriptionError(line: network.line, "there is no <network> with a <name>")
        }
        metadata = NetworkMetadata(in: network)
        var reader = NetworkReader(network)
        let bridge = network.first("bridge")?.attribute("name")
        let options = DNSMasqOptions(in: network)
        let mode = reader.forwardMode()
        let subnets = Self.hasOwnAddresses(mode) == false ? reader.rejectSubnets(of: mode) : reader.subnets()
        reader.reviewForward(mode, subnets)
        reader.reviewOptions()
        (self.bridge, forwardMode) = (bridge, mode)
        // libvirt starts dnsmasq if it has to answer DNS or DHCP.
        let answersDNS = network.first("dns")?.attribute("enable") != "no"
        let hasServer = !subnets.isEmpty && (answersDNS || subnets.contains(where: \.hasDHCP))
        let isSilent = !hasServer || options.silences(bridge)
        let dhcp4 = isSilent ? nil : subnets.first { $0.family == .v4 && $0.hasDHCP }
        let dhcp6 = isSilent ? nil : subnets.first { $0.family == .v6 && $0.hasDHCP }
        let hasRange = !isSilent && (dhcp4?.hasRange == true || options.hasRange4)
        hosts = isSilent ? DHCPHosts() : Self.hosts(of: [dhcp4, dhcp6].compactMap(\.self), subnets, options)
        // Without an address of the host another machine on the network assigns the addresses, usually by DHCP.
        var reference = NetworkReference(
            name: LibvirtName(name), uuid: network.first("uuid")?.trimmedText ?? name, offersDHCP: subnets.isEmpty || hasRange)
        reference.isUnmanaged = subnets.isEmpty
        reference.hostAddresses = subnets.map(\.address)
        reference.leadsOut = mode.map { ["nat", "route", "open"].contains($0) } ?? false
        reference.routes = reader.routes(subnets)
        // A forwarder is a server that dnsmasq asks. Guests ask dnsmasq, which also knows the names of the network.
        reference.resolvesNames = answersDNS && options.answersDNS
        if hasServer {
            let domain = options.domain ?? reader.domain()
            let host = { (family: IPAddress.Family) in subnets.first { $0.family == family }?.address.address }
            reference.advertised4 = DHCPOption.advertised(
                by: options.dhcp, .v4, of: dhcp4?.address.address ?? host(.v4), domain: domain)
            reference.advertised6 = DHCPOption.advertised(
                by: options.dhcp, .v6, of: dhcp6?.address.address ?? host(.v6), domain: domain)
        }
        // libvirt advertises the prefixes, and leases addresses where the network has a DHCP range.
        let prefixes = subnets.filter { $0.family == .v6 }
        let method: LinkConfiguration.IPv6Method? =
            dhcp6 != nil ? .stateful : prefixes.contains { $0.address.prefixLength == 64 } ? .slaac : nil
        reference.ipv6 = isSilent ? nil : options.ipv6 ?? method
        reference.sendsAdvertisements = !isSilent && !prefixes.isEmpty
        lacksSLAAC = !prefixes.isEmpty && reference.ipv6 == nil
        hasDHCP = dhcp4 != nil || dhcp6 != nil || hasRange || reference.ipv6 == .stateful
        leasesOnlyToHosts = dhcp4 != nil && !hasRange
        mtu = reader.mtu() ?? (isSilent ? nil : DHCPOption.mtu(in: options.dhcp).flatMap(NetworkReader.usableMTU))
        (vlan, groupVLANs) = (DomainXML.vlan(network), Self.groupVLANs(of: network))
        self.reference = reference
        findings = reader.findings
    }

    /// Whether libvirt makes the bridge, and gives it the addresses of the network.
    package var managesBridge: Bool { bridge != nil && Self.hasOwnAddresses(forwardMode) == true }

    /// Whether libvirt gives the host addresses on networks of a mode; `nil` for an unknown mode.
    private static func hasOwnAddresses(_ mode: String?) -> Bool? {
        switch mode {
        case nil, "none", "nat", "route", "open": true
        case "bridge", "private", "vepa", "passthrough", "hostdev": false
        default: nil
        }
    }

    private static func hosts(of servers: [NetworkSubnet], _ subnets: [NetworkSubnet], _ options: DNSMasqOptions) -> DHCPHosts {
        var hosts = DHCPHosts()
        // dnsmasq prefers libvirt's entries to those of the added lines.
        for host in options.hosts where subnets.contains(where: { $0.address.subnet?.contains(host.address) == true }) {
            for mac in host.macs { hosts.add(host.address, for: mac) }
            for name in host.names { hosts.add(host.address, named: name) }
        }
        for host in servers.flatMap(\.hosts) {
            switch host.client {
            case .mac(let mac): hosts.add(host.address, for: mac)
            case .guest(let name, let identifier):
                if let name { hosts.add(host.address, named: name) }
                if let identifier { hosts.add(host.address, identifier: identifier) }
            }
        }
        return hosts
    }

    // MARK: VLANs

    private static func groupVLANs(of network: XMLElement) -> [String: Int?] {
        var vlans: [String: Int?] = [:]
        for group in network.all("portgroup") where group.first("vlan") != nil {
            let vlan = DomainXML.vlan(group)
            if let name = group.attribute("name") { vlans[name] = .some(vlan) }
            if group.attribute("default") == "yes" { vlans[""] = .some(vlan) }
        }
        return vlans
    }

    /// The VLAN of an interface that takes the settings of a port group, or of the default one. Without a VLAN of the group, and for a
    /// group that the network does not have, that of the network applies.
    func vlan(of portGroup: String?) -> Int? { groupVLANs[portGroup ?? ""] ?? vlan }
}
