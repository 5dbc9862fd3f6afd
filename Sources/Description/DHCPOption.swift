import Common
package import XML

/// A DHCP option in the dnsmasq options of a libvirt network, such as `dhcp-option=option:router,192.0.2.1`.
package struct DHCPOption: Sendable {
    /// The number of the option in its family.
    private let number: Int
    private let family: IPAddress.Family
    private let values: [Substring]
    /// Whether dnsmasq sends the option to some clients only, or inside another option.
    private let isTagged: Bool

    /// The options of a network's XML, in its order.
    package static func all(in network: XMLElement) -> [DHCPOption] {
        DNSMasqOptions.lines(in: network).compactMap(DHCPOption.init)
    }

    /// A line of dnsmasq's configuration; `nil` if it is no option of DHCP.
    init?(_ line: DNSMasqOptions.Line) {
        guard ["dhcp-option", "dhcp-option-force"].contains(line.key) else { return nil }
        // Any other text before the option is a tag, or names an option around it.
        let tags = line.fields.prefix { Self.option($0) == nil }
        guard tags.count < line.fields.count, let option = Self.option(line.fields[tags.count]) else { return nil }
        (number, family) = option
        (values, isTagged) = (line.fields.dropFirst(tags.count + 1).filter { !$0.isEmpty }, !tags.isEmpty)
    }

    /// dnsmasq's names of the options that concern a guest's network.
    private static let names4 = [
        "router": 3, "dns-server": 6, "domain-name": 15, "mtu": 26, "domain-search": 119, "classless-static-route": 121,
    ]
    private static let names6 = ["dns-server": 23, "domain-search": 24]

    private static func option(_ field: Substring) -> (Int, IPAddress.Family)? {
        if field.hasPrefix("option6:") {
            let name = field.dropFirst(8)
            return (Int(name) ?? names6[String(name)] ?? 0, .v6)
        }
        if field.hasPrefix("option:") { return (names4[String(field.dropFirst(7))] ?? 0, .v4) }
        return field.isEmpty || !field.allSatisfy(\.isASCII) ? nil : UInt8(field).map { (Int($0), .v4) }
    }

    private func isOption(_ number: Int, _ family: IPAddress.Family) -> Bool { self.number == number && self.family == family }

    package var isRouter: Bool { isOption(3, .v4) }
    /// Routes to ranges (RFC 3442).
    package var isRoutes: Bool { isOption(121, .v4) }
    /// Whether the option has a value; without one dnsmasq sends nothing, not even its default.
    package var hasValue: Bool { !values.isEmpty }

    /// The most values of an option that are used: what an IPv4 option of 255 bytes can hold. Each interface of the network has all of them.
    private static let mostValues = 64

    /// The addresses in the value; dnsmasq sends its own address for `0.0.0.0` and `[::]`.
    private func addresses(of host: IPAddress?) -> [IPAddress] {
        values.prefix(Self.mostValues).compactMap { value in
            let address = IPAddress(value.filter { $0 != "[" && $0 != "]" })
            return address?.octets.allSatisfy { $0 == 0 } == true ? host : address
        }.filter { $0.family == family && $0.zone == nil }
    }

    /// The destinations and routers of option 121; a router 0.0.0.0, which means a range on the link itself, is left out.
    private var routes: [Route] {
        stride(from: 0, to: min(values.count, 2 * Self.mostValues) - 1, by: 2).compactMap { index in
            guard let destination = AddressRange(String(values[index])), let router = IPAddress(String(values[index + 1])),
                router.octets.contains(where: { $0 != 0 })
            else { return nil }
            return Route(to: destination, by: router)
        }
    }

    /// What every client is told; `nil` where dnsmasq tells its own values.
    ///
    /// - Parameters:
    ///   - domain: the domain that the server has otherwise.
    static func advertised(
        by options: [DHCPOption], _ family: IPAddress.Family, of host: IPAddress?, domain: String?
    ) -> AdvertisedValues {
        // dnsmasq uses the last of several lines for one option.
        let last = { (number: Int) in options.last { !$0.isTagged && $0.isOption(number, family) } }
        let names = { (option: DHCPOption) in option.values.prefix(mostValues).map(String.init).filter(Hostname.isValid) }
        var values = AdvertisedValues()
        if family == .v4 {
            values.routers = last(3)?.addresses(of: host)
            values.routes = last(121).flatMap { $0.hasValue ? $0.routes : nil }
        }
        values.nameServers = last(family == .v4 ? 6 : 23)?.addresses(of: host)
        let own = family == .v4 ? last(15).map(names) : nil
        values.searchDomains = last(family == .v4 ? 119 : 24).map(names) ?? own ?? domain.map { [$0] } ?? []
        return values
    }

    /// The MTU that every client is told.
    static func mtu(in options: [DHCPOption]) -> Int? {
        options.last { !$0.isTagged && $0.isOption(26, .v4) }?.values.first.flatMap { Int($0) }
    }
}
