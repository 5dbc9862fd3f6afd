import Common
import XML

/// Reads the operator's values for links: interfaces, and the bonds and VLANs that the guest creates on them.
extension OperatorMetadataReader {
    func readInterfaces(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        for child in children(of: element, path: "interfaces/", &metadata) {
            switch child.name {
            case "bond": readBond(child, into: &metadata)
            case "vlan": readVLAN(child, into: &metadata)
            default: readInterface(child, into: &metadata)
            }
        }
    }

    private func readInterface(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let mac = hardwareAddress(element, "mac", &metadata) else { return }
        guard metadata.interfaces[mac] == nil else {
            reject(element, path: "interfaces/", "duplicate interface \(mac); the first one is used", &metadata)
            return
        }
        metadata.interfaces[mac] = values(of: element, &metadata)
    }

    private func hardwareAddress(_ element: XMLElement, _ name: String, _ metadata: inout OperatorMetadata) -> MACAddress? {
        if let mac = element.attribute(name).flatMap({ MACAddress($0) ?? .ofLibvirt($0) }), mac.namesOneInterface { return mac }
        reject(element, path: "interfaces/", "missing or invalid attribute '\(name)': expected a MAC address", &metadata)
        return nil
    }

    func values(of interface: XMLElement, _ metadata: inout OperatorMetadata) -> OperatorMetadata.InterfaceElement {
        var values = OperatorMetadata.InterfaceElement(line: interface.line)
        let path = "interfaces/interface/"
        for child in children(of: interface, path: path, &metadata) {
            if configure(&values.configuration, by: child, path: path, &metadata) { continue }
            switch child.name {
            case "public-ipv4":
                values.publicIPv4 = address(child, path: path, "public IPv4 address", &metadata) {
                    $0.family == .v4 && $0.reasonAgainstMachine == nil
                }
            case "tag": values.tags += [line(child, path: path, &metadata)].compactMap(\.self)
            case "device-number":
                values.deviceNumber = number(child, path: path, &metadata)
                if let number = values.deviceNumber, metadata.interfaces.values.contains(where: { $0.deviceNumber == number }) {
                    reject(child, path: path, "duplicate device-number \(number); the first interface keeps it", &metadata)
                    values.deviceNumber = nil
                }
            case "network-card": values.networkCard = number(child, path: path, &metadata)
            case "interface-id": values.identifiers.interface = line(child, path: path, &metadata)
            case "vpc-id": values.identifiers.network = line(child, path: path, &metadata)
            case "subnet-id": values.identifiers.subnet = line(child, path: path, &metadata)
            case "subnet-cidr-block": values.subnetRanges += range(child, path: path, &metadata)
            case "vpc-cidr-block": values.networkRanges += range(child, path: path, &metadata)
            default: break
            }
        }
        // What an interface of many is told belongs to addresses that each has of its own.
        if !isShared { review(values.configuration, of: interface, &metadata) }
        return values
    }

    // MARK: Elements of any link

    /// Reads an element of a link's configuration; false if it is another element.
    private func configure(
        _ link: inout LinkConfiguration, by element: XMLElement, path: String, _ metadata: inout OperatorMetadata
    ) -> Bool {
        let text = element.trimmedText
        switch element.name {
        case "address": readAddress(element, path: path, into: &link, &metadata)
        case "gateway": readGateway(element, path: path, into: &link, &metadata)
        case "search": readSearchDomain(element, path: path, into: &link, &metadata)
        case "optional": readOptional(element, path: path, into: &link, &metadata)
        case "dhcp4-overrides": link.overrides.ipv4 = overrides(element, path: path, &metadata)
        case "dhcp6-overrides": link.overrides.ipv6 = overrides(element, path: path, &metadata)
        case "dns": readNameServer(element, path: path, into: &link, &metadata)
        case "route": readRoute(element, path: path, into: &link, &metadata)
        case "mtu":
            if let mtu = Int(text), (68...65535).contains(mtu) {
                link.mtu = mtu
            } else {
                reject(element, path: path, "invalid MTU '\(shown(text))': expected an integer from 68 to 65535", &metadata)
            }
        case "ipv4": link.ipv4 = method(element, path: path, &metadata)
        case "ipv6": link.ipv6 = method(element, path: path, &metadata)
        default: return false
        }
        return true
    }

    func address(
        _ element: XMLElement, path: String, _ kind: String, _ metadata: inout OperatorMetadata,
        where fits: (IPAddress) -> Bool = { _ in true }
    ) -> IPAddress? {
        let text = element.trimmedText
        if let address = IPAddress(text), address.zone == nil, fits(address) { return address }
        reject(element, path: path, "'\(shown(text))' is not a valid \(kind)", &metadata)
        return nil
    }

    private func method<Method: RawRepresentable<String> & CaseIterable>(
        _ element: XMLElement, path: String, _ metadata: inout OperatorMetadata
    ) -> Method? {
        if let method = Method(rawValue: element.trimmedText) { return method }
        let all = Method.allCases.map(\.rawValue).joined(separator: ", ")
        reject(element, path: path, "invalid value '\(shown(element.trimmedText))': expected one of \(all)", &metadata)
        return nil
    }

    private func range(_ element: XMLElement, path: String, _ metadata: inout OperatorMetadata) -> [AddressRange] {
        let text = element.trimmedText
        guard text.contains("/"), let range = AddressRange(text) else {
            reject(
                element, path: path, "invalid address range '\(shown(text))': expected e.g. 192.0.2.0/24 or 2001:db8::/64",
                &metadata)
            return []
        }
        return [range.canonical]
    }

    // MARK: Links that the guest creates

    private static let bondModes = [
        "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
    ]
    /// The attributes of a bond that are parameters of Linux's driver, with their names in the network document.
    private static let bondParameters = [
        "miimon": "bond_miimon", "xmit-hash-policy": "bond_xmit_hash_policy", "lacp-rate": "bond_lacp_rate",
    ]

    private static func isBondParameter(_ name: String, _ value: String) -> Bool {
        switch name {
        case "miimon": UInt32(value) != nil
        case "lacp-rate": ["slow", "fast"].contains(value)
        default: ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4", "vlan+srcmac"].contains(value)
        }
    }

    private func readBond(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        let path = "interfaces/bond/"
        let mode = element.attribute("mode") ?? ""
        guard Self.bondModes.contains(mode) else {
            let all = Self.bondModes.joined(separator: ", ")
            reject(element, path: "interfaces/", "invalid mode '\(shown(mode))': expected one of \(all)", &metadata)
            return
        }
        var (configuration, members) = (LinkConfiguration(), [MACAddress]())
        for child in children(of: element, path: path, &metadata) {
            if configure(&configuration, by: child, path: path, &metadata) { continue }
            guard let mac = hardwareAddress(child, "mac", &metadata) else { continue }
            if members.contains(mac) || metadata.virtualLinks.contains(where: { $0.members.contains(mac) }) {
                reject(child, path: path, "duplicate member \(mac): an interface has one bond", &metadata)
            } else {
                members.append(mac)
            }
        }
        review(configuration, of: element, &metadata)
        var parameters: [Tag] = []
        for (name, parameter) in Self.bondParameters.sorted(by: { $0.key < $1.key }) {
            guard let value = element.attribute(name) else { continue }
            if Self.isBondParameter(name, value) {
                parameters.append(Tag(parameter, value))
            } else {
                let expected =
                    switch name {
                    case "miimon": "an integer, in milliseconds"
                    case "lacp-rate": "slow or fast"
                    default: "a hash policy of Linux's bonding driver, e.g. layer3+4"
                    }
                reject(element, path: "interfaces/", "invalid \(name) '\(shown(value))': expected \(expected)", &metadata)
            }
        }
        let number = metadata.virtualLinks.count { $0.element == "interfaces/bond" }
        add(
            element, named: "bond\(number)", .bond(mode: mode, members: members, parameters: parameters), configuration, &metadata
        )
    }

    private func readVLAN(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        let path = "interfaces/vlan/"
        guard let id = element.attribute("id").flatMap({ Int($0) }), (1...4094).contains(id) else {
            reject(
                element, path: "interfaces/", "missing or invalid attribute 'id': expected an integer from 1 to 4094", &metadata)
            return
        }
        guard let base = element.attribute("on"), !base.isEmpty else {
            reject(
                element, path: "interfaces/", "missing attribute 'on': expected a MAC address or the name of a bond", &metadata)
            return
        }
        var configuration = LinkConfiguration()
        for child in children(of: element, path: path, &metadata) {
            _ = configure(&configuration, by: child, path: path, &metadata)
        }
        review(configuration, of: element, &metadata)
        let on = (MACAddress(base) ?? .ofLibvirt(base)).map(VirtualLink.Base.interface) ?? .bond(base)
        add(element, named: "vlan\(id)", .vlan(id: id, on: on), configuration, &metadata)
    }

    /// Why a link that the guest creates cannot have a name; `nil` if it can.
    private static func reason(against name: String) -> String? {
        // Linux takes more, but netplan takes '*' and '[' for patterns, and NetworkManager's renderer '%' for a variable.
        let isPlain = name.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0"..."9" ~= scalar || "-_.".unicodeScalars.contains(scalar))
        }
        guard LinkName.isPossible(name), isPlain else {
            return "cannot be that of a link: expected 1 to 15 letters, digits, '-', '_' and '.'"
        }
        let number = name.hasPrefix("interface") ? name.dropFirst("interface".count) : ""
        return number.isEmpty || !number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            ? nil : "is that of an interface in the guest's documents: choose another"
    }

    private func add(
        _ element: XMLElement, named name: String, _ kind: VirtualLink.Kind, _ configuration: LinkConfiguration,
        _ metadata: inout OperatorMetadata
    ) {
        let name = element.attribute("name") ?? name
        var mac: MACAddress?
        if element.attribute("mac") != nil {
            mac = hardwareAddress(element, "mac", &metadata)
            if mac == nil { return }
        }
        if let reason = Self.reason(against: name) {
            reject(element, path: "interfaces/", "the name '\(shown(name))' \(reason)", &metadata)
        } else if metadata.virtualLinks.contains(where: { $0.name == name }) {
            reject(element, path: "interfaces/", "duplicate name '\(shown(name))'; the first one is used", &metadata)
        } else {
            metadata.virtualLinks.append(
                OperatorMetadata.LinkElement(
                    line: element.line, element: "interfaces/\(element.name)", name: name, mac: mac, kind: kind,
                    configuration: configuration))
        }
    }
}
