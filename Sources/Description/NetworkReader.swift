import Common
import XML

/// Reads the values of a network's XML by libvirt's own rules, and records those that libvirt would refuse: a file may hold them. Each
/// costs its value.
struct NetworkReader {
    private let network: XMLElement
    private(set) var findings: [Finding] = []

    /// The most findings of a network: a network may have an entry for each address of a /16.
    static let mostFindings = 100

    init(_ network: XMLElement) { self.network = network }

    private mutating func reject(_ element: XMLElement, _ path: String, _ problem: String) {
        add(Finding(.unusable, line: element.line, element: path, problem))
    }

    private mutating func note(_ element: XMLElement, _ path: String, _ problem: String) {
        add(Finding(.note, line: element.line, element: path, problem))
    }

    private mutating func add(_ finding: Finding) {
        guard findings.count < Self.mostFindings else { return }
        findings.append(
            findings.count < Self.mostFindings - 1
                ? finding
                : Finding(
                    finding.weight, line: finding.line, element: finding.element,
                    finding.problem + "; further ones are not listed"))
    }

    /// The most addresses of the host on a network: each reservation and each route is compared with all of them.
    static let mostSubnets = 64

    /// The first elements of a name; one beyond them is recorded.
    private mutating func first(_ most: Int, _ name: String) -> ArraySlice<XMLElement> {
        let all = network.all(name)
        if all.count > most { reject(all[most], name, "more than \(most) such elements; the first \(most) are used") }
        return all.prefix(most)
    }

    // MARK: The network

    private static let modes = ["none", "nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"]

    /// The mode of `<forward>`, `nat` by default; `nil` without the element.
    mutating func forwardMode() -> String? {
        guard let forward = network.first("forward") else { return nil }
        let mode = forward.attribute("mode") ?? "nat"
        if !Self.modes.contains(mode) {
            let all = Self.modes.joined(separator: ", ")
            reject(forward, "forward", "invalid mode '\(shown(mode))': expected one of \(all)")
        }
        return mode
    }

    /// Records a mode that needs an address of the host where the network has none.
    mutating func reviewForward(_ mode: String?, _ subnets: [NetworkSubnet]) {
        guard let mode, ["nat", "route", "open"].contains(mode), subnets.isEmpty, let forward = network.first("forward") else {
            return
        }
        reject(forward, "forward", "mode '\(mode)' needs a usable <ip>: libvirt refuses the network without one")
    }

    /// Records the addresses of a network that is a LAN or devices of the host, where libvirt allows none.
    mutating func rejectSubnets(of mode: String?) -> [NetworkSubnet] {
        for element in network.all("ip") {
            reject(element, "ip", "libvirt gives the host no address on a network with <forward mode='\(shown(mode ?? ""))'>")
        }
        return []
    }

    mutating func domain() -> String? {
        guard let element = network.first("domain"), let name = element.attribute("name") else { return nil }
        if Hostname.isValid(name) { return name }
        reject(element, "domain", "'\(shown(name))' is not a valid domain name")
        return nil
    }

    /// The MTU of a network, in bytes.
    mutating func mtu() -> Int? {
        guard let element = network.first("mtu"), let text = element.attribute("size") else { return nil }
        if let mtu = Int(text).flatMap(Self.usableMTU) { return mtu }
        reject(element, "mtu", "invalid size '\(shown(text))': expected an integer from 68 to 65535")
        return nil
    }

    static func usableMTU(_ mtu: Int) -> Int? { (68...65535).contains(mtu) ? mtu : nil }

    // MARK: Addresses

    mutating func subnets() -> [NetworkSubnet] {
        var subnets: [NetworkSubnet] = []
        for element in first(Self.mostSubnets, "ip") {
            guard let address = address(element, "ip") else { continue }
            var subnet = NetworkSubnet(address: address)
            if let dhcp = element.first("dhcp") { readServer(dhcp, &subnet) }
            if subnet.hasDHCP, subnets.contains(where: { $0.family == subnet.family && $0.hasDHCP }) {
                reject(element, "ip/dhcp", "a second <dhcp> of one address family; libvirt serves the first one only")
                (subnet.hasRange, subnet.hosts) = (false, [])
            }
            subnets.append(subnet)
        }
        return subnets
    }

    /// The address of an `<ip>` or the destination of a `<route>`, with the prefix length that libvirt uses.
    private mutating func address(_ element: XMLElement, _ path: String) -> InterfaceAddress? {
        let text = element.attribute("address")
        guard let address = text.flatMap({ IPAddress($0) }), address.zone == nil else {
            reject(element, path, "missing or invalid address '\(shown(text ?? ""))': expected an IP address")
            return nil
        }
        let family = element.attribute("family") ?? "ipv4"
        guard ["ipv4", "ipv6"].contains(family) else {
            reject(element, path, "invalid family '\(shown(family))': expected ipv4 or ipv6")
            return nil
        }
        guard (family == "ipv4") == (address.family == .v4) else {
            reject(element, path, "\(address) is not of the family \(family): add family='\(family == "ipv4" ? "ipv6" : "ipv4")'")
            return nil
        }
        return prefixLength(element, address, path).map { InterfaceAddress(address, prefixLength: $0) }
    }

    private mutating func prefixLength(_ element: XMLElement, _ address: IPAddress, _ path: String) -> Int? {
        let bits = address.family == .v4 ? 32 : 128
        var prefix: Int?
        if let text = element.attribute("prefix") {
            guard let length = Int(text), (0...bits).contains(length) else {
                reject(element, path, "invalid prefix '\(shown(text))': expected an integer from 0 to \(bits)")
                return nil
            }
            prefix = length
        }
        if let text = element.attribute("netmask") {
            guard address.family == .v4, prefix ?? 0 == 0 else {
                reject(
                    element, path, address.family == .v4 ? "both prefix and netmask" : "a netmask for IPv6: expected prefix='64'")
                return nil
            }
            guard let mask = IPAddress(text), mask.family == .v4, let length = Self.length(of: mask) else {
                let expectation = "expected ones followed by zeros, such as 255.255.255.0"
                reject(element, path, "invalid netmask '\(shown(text))': \(expectation)")
                return nil
            }
            return length
        }
        if let prefix, prefix > 0 || path == "route" { return prefix }
        if let natural = Self.naturalLength(of: address, path) { return natural }
        reject(element, path, "neither prefix nor netmask: expected one of them, such as prefix='24'")
        return nil
    }

    /// The number of ones of a netmask; `nil` if a zero precedes a one.
    private static func length(of mask: IPAddress) -> Int? {
        let bits = mask.octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return (~bits & (~bits &+ 1)) == 0 ? bits.nonzeroBitCount : nil
    }

    /// What libvirt takes where an element has neither prefix nor netmask: the class of an IPv4 address, /64 for IPv6, and for a route
    /// everything.
    private static func naturalLength(of address: IPAddress, _ path: String) -> Int? {
        if address.octets.allSatisfy({ $0 == 0 }) { return 0 }
        if path == "route" { return nil }
        guard address.family == .v4 else { return 64 }
        return switch address.octets[0] {
        case ..<128: 8
        case ..<192: 16
        case ..<224: 24
        default: nil
        }
    }

    // MARK: DHCP

    private mutating func readServer(_ dhcp: XMLElement, _ subnet: inout NetworkSubnet) {
        for element in dhcp.all("range") {
            let ends = [element.attribute("start"), element.attribute("end")].map { $0.flatMap { IPAddress($0) } }
            guard let start = ends[0], let end = ends[1], subnet.contains(start), subnet.contains(end),
                !end.octets.lexicographicallyPrecedes(start.octets)
            else {
                let own = subnet.address.subnet.map { "\($0)" } ?? "the subnet"
                reject(element, "ip/dhcp/range", "invalid range: expected start and end in \(own), the lower one first")
                continue
            }
            subnet.hasRange = true
        }
        for element in dhcp.all("host") {
            if let host = host(element, subnet) { subnet.hosts.append(host) }
        }
    }

    private mutating func host(_ element: XMLElement, _ subnet: NetworkSubnet) -> NetworkSubnet.Host? {
        let path = "ip/dhcp/host"
        let text = element.attribute("ip")
        guard let address = text.flatMap({ IPAddress($0) }), address.zone == nil else {
            reject(element, path, "missing or invalid ip '\(shown(text ?? ""))': expected an IP address")
            return nil
        }
        guard let client = client(element, subnet.family, path) else { return nil }
        guard subnet.contains(address) else {
            let own = subnet.address.subnet.map { "\($0)" } ?? "the subnet"
            note(element, path, "\(address) is outside of \(own): dnsmasq never leases it")
            return nil
        }
        return NetworkSubnet.Host(client: client, address: address)
    }

    private mutating func client(_ element: XMLElement, _ family: IPAddress.Family, _ path: String) -> NetworkSubnet.Host.Client?
    {
        let (mac, name) = (element.attribute("mac"), element.attribute("name"))
        let identifier = element.attribute("id")
        if let name, name.utf8.first.map({ !isLetterOrDigit($0) }) ?? true {
            reject(element, path, "invalid name '\(shown(name))': expected a host name")
            return nil
        }
        if family == .v6 {
            guard mac == nil else {
                reject(element, path, "a mac for IPv6: expected the guest's name or the id (DUID) of its DHCPv6 client")
                return nil
            }
            guard identifier?.allSatisfy({ $0.isHexDigit || $0 == ":" }) ?? true else {
                reject(
                    element, path,
                    "invalid id '\(shown(identifier ?? ""))': expected octets in hexadecimal, such as 00:03:00:01:52:54:…")
                return nil
            }
            if name != nil || identifier != nil { return .guest(name: name, identifier: identifier) }
            reject(element, path, "missing name or id: expected one of them for IPv6")
            return nil
        }
        if let mac {
            if let mac = MACAddress.ofLibvirt(mac), mac.namesOneInterface { return .mac(mac) }
            reject(element, path, "invalid mac '\(shown(mac))': expected the MAC address of one interface")
            return nil
        }
        if let name { return .guest(name: name, identifier: nil) }
        reject(element, path, "missing mac or name: expected one of them")
        return nil
    }

    private func isLetterOrDigit(_ octet: UInt8) -> Bool {
        Character(UnicodeScalar(octet)).isASCII
            && (Character(UnicodeScalar(octet)).isLetter || Character(UnicodeScalar(octet)).isNumber)
    }

    // MARK: dnsmasq

    /// Records lines of which dnsmasq does not read the end.
    mutating func reviewOptions() {
        for element in DNSMasqOptions.tooLong(in: network) {
            note(
                element, "dnsmasq:options/option",
                "more than \(DNSMasqOptions.longestLine) bytes: dnsmasq takes the rest for a line of its own")
        }
    }

    // MARK: Routes

    /// The routes to other networks, through routers in one of the subnets.
    mutating func routes(_ subnets: [NetworkSubnet]) -> [Route] {
        var routes: [Route] = []
        for element in first(Vocabulary.mostOfLink, "route") {
            guard let address = address(element, "route"), let destination = address.subnet else { continue }
            let text = element.attribute("gateway")
            guard let gateway = text.flatMap({ IPAddress($0) }), gateway.family == address.address.family else {
                reject(
                    element, "route", "missing or invalid gateway '\(shown(text ?? ""))': expected an address of the same family")
                continue
            }
            guard destination.address == address.address else {
                reject(element, "route", "\(address.address) is not a network address: expected \(destination)")
                continue
            }
            guard subnets.contains(where: { $0.contains(gateway) }) else {
                reject(element, "route", "the gateway \(gateway) is in the subnet of no <ip>")
                continue
            }
            let metric = element.attribute("metric")
            guard metric == nil || metric.flatMap({ UInt32($0) }).map({ $0 > 0 }) == true else {
                reject(element, "route", "invalid metric '\(shown(metric ?? ""))': expected an integer from 1")
                continue
            }
            if let route = Route(to: destination, by: gateway, metric: metric.flatMap { Int($0) }) { routes.append(route) }
        }
        return routes
    }
}
