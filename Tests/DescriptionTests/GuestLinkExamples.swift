import Common
import Description

/// The links of a domain with an interface on the network `n`, or with other devices, written out.
enum GuestLinkExample {
    static let mac = "52:54:00:00:00:02"
    static let tap = "<mac address='\(mac)'/><source network='n'/>"
    static let interface = "<interface type='network'>\(tap)</interface>"

    /// A network of libvirt's usual kind without its addresses.
    static let nat = "<forward mode='nat'/><bridge name='virbr9'/>"
    /// A range of addresses, and the host's own one.
    static let range = """
        <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.9'/></dhcp></ip>
        """
    static let address = "<address>192.168.122.20/24</address>"

    /// Lines of dnsmasq's configuration in a network.
    static func options(_ lines: String...) -> String {
        let elements = lines.map { "<d:option value='\($0)'/>" }.joined()
        return "<d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'>\(elements)</d:options>"
    }

    static func network(_ body: String) -> [UInt8] { Array("<network><name>n</name>\(body)</network>".utf8) }

    /// A domain with elements of the operator's for the interface, and others.
    static func domain(_ elements: String, devices: String = interface, more: String = "") -> [UInt8] {
        Array(
            """
            <domain type='test'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>\
            <metadata><instance xmlns='urn:virt-metadata:instance:1'>\(more)<interfaces>\
            <interface mac='\(mac)'>\(elements)</interface></interfaces></instance></metadata>\
            <devices>\(devices)</devices></domain>
            """.utf8)
    }

    static func assembled(
        _ body: String, _ elements: String = "", devices: String = interface, more: String = ""
    ) throws -> InstanceAssembly.Assembled {
        try InstanceAssembly(networks: [network(body)], readsBare: false)
            .assemble(domain(elements, devices: devices, more: more))
    }

    /// A link in one line.
    static func links(
        _ body: String, _ elements: String = "", devices: String = interface, more: String = ""
    ) throws -> [String] {
        try assembled(body, elements, devices: devices, more: more).instance.guestLinks.map(\.text)
    }

    /// What `check` says of the network itself.
    static func findings(_ body: String) throws -> [String] {
        try NetworkCheck.findings(in: network(body)).map { "\($0.element): \($0.weight == .note ? "note: " : "")\($0.problem)" }
    }
}

extension GuestLink {
    /// The configurations of the link, and what else documents say of it.
    var text: String {
        let heed = acceptsAdvertisements.map { $0 ? "ra" : "no-ra" }
        let flags = [heed, hasLinkLocal ? nil : "no-link-local", isOptional ? "optional" : nil].compactMap(\.self)
        return (networks.map(\.text) + flags).joined(separator: "; ")
    }
}

extension GuestNetwork {
    /// The configuration in one line.
    var text: String {
        let source =
            switch kind {
            case .dhcp4: "dhcp4"
            case .ipv6(let method): method.rawValue
            case .configured(let address): "\(address.address)/\(address.prefixLength ?? -1)"
            }
        let routes = routes.map { route in
            let metric = route.metric.map { " metric \($0)" } ?? ""
            return "route \(route.destination) via \(route.gateway)\(metric)\(route.isOnLink ? " on-link" : "")"
        }
        return ([source] + routes + nameServers.map { "dns \($0)" } + searchDomains.map { "search \($0)" }).joined(separator: " ")
    }
}
