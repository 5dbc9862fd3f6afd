import Common
package import XML

/// A DHCPv4 option in the dnsmasq options of a libvirt network, such as `dhcp-option=option:router,192.0.2.1`.
package struct DHCPOption: Sendable {
    private let name: Substring
    private let values: [Substring]
    /// Whether dnsmasq sends the option to some clients only.
    private let isTagged: Bool

    /// The options of a network's XML, in its order.
    package static func all(in network: XMLElement) -> [DHCPOption] {
        network.all("options", "option", namespace: "http://libvirt.org/schemas/network/dnsmasq/1.0")
            .compactMap { $0.attribute("value") }.compactMap(DHCPOption.init)
    }

    /// A line of dnsmasq's configuration; `nil` if it is no option of DHCPv4.
    private init?(_ line: String) {
        let parts = line.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, ["dhcp-option", "dhcp-option-force"].contains(parts[0]) else { return nil }
        let fields = parts[1].split(separator: ",").map { $0.drop { $0 == " " } }
        let limits = fields.prefix { $0.hasPrefix("tag:") || $0.hasPrefix("encap:") }
        guard let option = fields.dropFirst(limits.count).first else { return nil }
        (name, values, isTagged) = (option, Array(fields.dropFirst(limits.count + 1)), !limits.isEmpty)
    }

    package var isRouter: Bool { ["3", "option:router"].contains(name) }
    /// Routes to ranges (RFC 3442).
    package var isRoutes: Bool { ["121", "option:classless-static-route"].contains(name) }
    private var isNameServer: Bool { ["6", "option:dns-server"].contains(name) }
    /// Whether the option has a value; without one dnsmasq sends nothing, not even its default.
    package var hasValue: Bool { !values.isEmpty }

    /// The addresses in the value; dnsmasq sends its own address for 0.0.0.0.
    private func addresses(of host: IPAddress?) -> [IPAddress] {
        values.compactMap { $0 == "0.0.0.0" ? host : IPAddress(String($0)) }.filter { $0.family == .v4 }
    }

    /// The routers and the name servers that every client is told; `nil` where dnsmasq tells its own address.
    static func advertised(
        by options: [DHCPOption], of host: IPAddress?
    ) -> (routers: [IPAddress]?, nameServers: [IPAddress]?) {
        let general = options.filter { !$0.isTagged }
        return (
            general.last(where: \.isRouter)?.addresses(of: host), general.last(where: \.isNameServer)?.addresses(of: host)
        )
    }
}
