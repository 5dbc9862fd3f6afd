/// The form of a value in a network configuration of version 2, as cloud-init's schema of 25.1.4 and netplan's parser have it.
///
/// - Note: cloud-init's schema itself is not shipped: it has no lines, no names of addresses, and does not know netplan's keys, to which
///   cloud-init passes the configuration unchanged. A test compares these tables with it.
indirect enum NetworkConfigForm: Sendable {
    case boolean
    /// A boolean, or one of the texts `yes` and `no`.
    case dhcp
    case integer(ClosedRange<Int>)
    case text
    case word([String])
    /// `true`, `false` or `route`; cloud-init's schema wants a text, netplan's documentation shows booleans.
    case domains
    /// A time in milliseconds, or with a unit; whether cloud-init's schema wants a text. netplan reads both.
    case time(isText: Bool)
    /// The name of a network link in Linux.
    case linkName
    case macAddress
    /// An address with the length of its prefix; netplan also reads a mapping of it to options.
    case interfaceAddress
    /// The destination of a route.
    case destination
    /// A single address; `nil` means any family.
    case address(isIPv6: Bool?)
    case list(NetworkConfigForm)
    /// A mapping with these keys.
    case mapping([NetworkConfigKey])
    /// A mapping of the names of a bridge's ports to integers.
    case ports(ClosedRange<Int>)
    /// A mapping of the operator's names to mappings with these keys.
    case links([NetworkConfigKey])
    /// A value that is not checked.
    case anything
}

/// A key of a mapping.
struct NetworkConfigKey: Sendable {
    /// Who reads the key.
    enum Reader: Sendable {
        /// cloud-init, and what it hands the configuration to.
        case cloudInit
        /// netplan alone.
        case netplan
        /// netplan and cloud-init, which advises against it; with the advice.
        case deprecated(String)
    }

    let name: String
    let form: NetworkConfigForm
    let reader: Reader

    init(_ name: String, _ form: NetworkConfigForm, _ reader: Reader = .cloudInit) {
        (self.name, self.form, self.reader) = (name, form, reader)
    }

    static func netplan(_ names: String...) -> [NetworkConfigKey] { names.map { NetworkConfigKey($0, .anything, .netplan) } }
}

// MARK: Tables

extension NetworkConfigKey {
    /// The sections whose links are read here; netplan has more.
    static let sections = ["ethernets", "bonds", "bridges", "vlans"]

    /// The keys of the whole configuration.
    static let all: [NetworkConfigKey] =
        [
            NetworkConfigKey("version", .integer(2...2)), NetworkConfigKey("renderer", renderer),
            NetworkConfigKey("ethernets", .links(ethernet)), NetworkConfigKey("bonds", .links(bond)),
            NetworkConfigKey("bridges", .links(bridge)), NetworkConfigKey("vlans", .links(vlan)),
        ]
        + netplan(
            "tunnels", "vrfs", "wifis", "modems", "dummy-devices", "virtual-ethernets", "nm-devices", "openvswitch")

    private static let renderer = NetworkConfigForm.word(["networkd", "NetworkManager"])
    private static let unsigned = NetworkConfigForm.integer(0...Int(UInt32.max))
    private static let metric = NetworkConfigForm.integer(0...RouteMetric.most)

    static let ethernet =
        link + [
            NetworkConfigKey(
                "match",
                .mapping([
                    NetworkConfigKey("macaddress", .macAddress), NetworkConfigKey("name", .text),
                    NetworkConfigKey("driver", .text),
                ])), NetworkConfigKey("set-name", .linkName), NetworkConfigKey("wakeonlan", .boolean),
        ]
        + netplan(
            "macaddress", "wakeonwlan", "emit-lldp", "receive-checksum-offload", "transmit-checksum-offload",
            "tcp-segmentation-offload", "tcp6-segmentation-offload", "generic-segmentation-offload",
            "generic-receive-offload", "large-receive-offload", "auth", "link", "virtual-function-count", "embedded-switch-mode",
            "delay-virtual-functions-rebind", "infiniband-mode")

    static let bond =
        link + [
            NetworkConfigKey("interfaces", .list(.text)), NetworkConfigKey("macaddress", .macAddress),
            NetworkConfigKey("parameters", .mapping(bondParameters)),
        ]

    static let bridge =
        link + [
            NetworkConfigKey("interfaces", .list(.text)), NetworkConfigKey("macaddress", .macAddress),
            NetworkConfigKey("parameters", .mapping(bridgeParameters)),
        ]

    static let vlan =
        link + [
            NetworkConfigKey("id", .integer(0...4094)), NetworkConfigKey("link", .text),
            NetworkConfigKey("macaddress", .macAddress),
        ]

    /// The keys of every kind of link.
    private static let link: [NetworkConfigKey] =
        [
            NetworkConfigKey("renderer", renderer), NetworkConfigKey("dhcp4", .dhcp), NetworkConfigKey("dhcp6", .dhcp),
            NetworkConfigKey("dhcp4-overrides", .mapping(overrides)), NetworkConfigKey("dhcp6-overrides", .mapping(overrides)),
            NetworkConfigKey("addresses", .list(.interfaceAddress)),
            NetworkConfigKey(
                "gateway4", .address(isIPv6: false), .deprecated("use routes: [{to: 0.0.0.0/0, via: …}]")),
            NetworkConfigKey("gateway6", .address(isIPv6: true), .deprecated("use routes: [{to: \"::/0\", via: …}]")),
            NetworkConfigKey("optional", .boolean), NetworkConfigKey("mtu", unsigned), NetworkConfigKey("accept-ra", .boolean),
            NetworkConfigKey(
                "nameservers",
                .mapping([
                    NetworkConfigKey("search", .list(.text)), NetworkConfigKey("addresses", .list(.address(isIPv6: nil))),
                ])), NetworkConfigKey("routes", .list(.mapping(route))),
        ]
        + netplan(
            "activation-mode", "critical", "ignore-carrier", "dhcp-identifier", "ra-overrides", "ipv6-address-generation",
            "ipv6-address-token", "ipv6-mtu", "ipv6-privacy", "link-local", "optional-addresses", "routing-policy", "hairpin",
            "port-mac-learning", "neigh-suppress", "networkmanager", "openvswitch")

    static let overrides = [
        NetworkConfigKey("hostname", .text), NetworkConfigKey("route-metric", metric),
        NetworkConfigKey("send-hostname", .boolean), NetworkConfigKey("use-dns", .boolean),
        NetworkConfigKey("use-domains", .domains), NetworkConfigKey("use-hostname", .boolean),
        NetworkConfigKey("use-mtu", .boolean), NetworkConfigKey("use-ntp", .boolean), NetworkConfigKey("use-routes", .boolean),
    ]

    static let route: [NetworkConfigKey] =
        [
            NetworkConfigKey("to", .destination), NetworkConfigKey("via", .address(isIPv6: nil)),
            NetworkConfigKey("metric", metric), NetworkConfigKey("on-link", .boolean, .netplan),
            NetworkConfigKey("from", .destination, .netplan),
        ]
        + netplan(
            "scope", "table", "type", "mtu", "congestion-window", "advertised-receive-window", "advertised-mss")

    private static let bondParameters: [NetworkConfigKey] =
        [
            NetworkConfigKey(
                "mode",
                .word(["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"])),
            NetworkConfigKey("lacp-rate", .word(["fast", "slow"])), NetworkConfigKey("mii-monitor-interval", .time(isText: true)),
            NetworkConfigKey("min-links", unsigned),
            NetworkConfigKey(
                "transmit-hash-policy",
                .word(["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"])),
            NetworkConfigKey("ad-select", .word(["stable", "bandwidth", "count"])),
            NetworkConfigKey("all-slaves-active", .boolean), NetworkConfigKey("arp-interval", .time(isText: false)),
            NetworkConfigKey("arp-ip-targets", .list(.address(isIPv6: false))),
            NetworkConfigKey("arp-validate", .word(["none", "active", "backup", "all"])),
            NetworkConfigKey("arp-all-targets", .word(["any", "all"])), NetworkConfigKey("up-delay", .time(isText: false)),
            NetworkConfigKey("down-delay", .time(isText: false)),
            NetworkConfigKey("fail-over-mac-policy", .word(["none", "active", "follow"])),
            NetworkConfigKey("gratuitous-arp", unsigned), NetworkConfigKey("packets-per-slave", unsigned),
            NetworkConfigKey("primary-reselect-policy", .word(["always", "better", "failure"])),
            NetworkConfigKey("learn-packet-interval", .time(isText: true)), NetworkConfigKey("primary", .text),
        ] + netplan("all-members-active", "packets-per-member", "gratuitious-arp", "resend-igmp")

    private static let bridgeParameters: [NetworkConfigKey] =
        [
            NetworkConfigKey("ageing-time", .time(isText: false)), NetworkConfigKey("forward-delay", .time(isText: false)),
            NetworkConfigKey("hello-time", .time(isText: false)), NetworkConfigKey("max-age", .time(isText: false)),
            NetworkConfigKey("priority", unsigned), NetworkConfigKey("stp", .boolean),
            // cloud-init's schema has a number for one and does not know the other, netplan refuses all but a mapping.
            NetworkConfigKey("path-cost", .ports(0...Int(UInt32.max))), NetworkConfigKey("port-priority", .ports(0...63)),
        ] + netplan("aging-time")
}
