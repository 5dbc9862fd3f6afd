import Common
import YAML

/// Converts a network configuration to the links that `network_data.json` can describe, and notes what it cannot.
struct NetworkConfigConversion {
    /// The note on a value that is served by NoCloud only.
    static let unsaid = "network_data.json cannot express this: OpenStack guests do not get it"

    private let source: [NetworkConfigLink]
    private let interfaces: [MACAddress: NetworkInterface]
    private(set) var remarks: NetworkConfigRemarks

    init(of document: NetworkConfigDocument, on interfaces: [NetworkInterface]) {
        (source, remarks) = (document.links, document.remarks)
        self.interfaces = Dictionary(interfaces.map { ($0.mac, $0) }) { first, _ in first }
    }

    /// The links, each after those that it is on.
    mutating func links() -> [GuestLink] {
        var links: [String: GuestLink] = [:]
        let order = ["ethernets", "bonds", "vlans", "bridges"]
        var converted: [GuestLink] = []
        for section in order {
            for link in source where link.section == section {
                guard let found = convert(link, on: links) else { continue }
                links[link.id] = found
                converted.append(found)
            }
        }
        if let first = source.first, converted.allSatisfy(\.networks.isEmpty) {
            remarks.note(
                first.key, "",
                "network_data.json cannot express any of this, and is not served: OpenStack guests fall back to DHCP")
        }
        return converted
    }

    private mutating func convert(_ link: NetworkConfigLink, on links: [String: GuestLink]) -> GuestLink? {
        let (kind, mac): (GuestLink.Kind, MACAddress)
        switch link.section {
        case "ethernets":
            // The check has noted a link without a MAC address.
            guard let interface = link.mac.flatMap({ interfaces[$0] }) else { return nil }
            (kind, mac) = (.interface(interface), interface.mac)
        case "bonds":
            let members = link.list("interfaces").map { $0.text.flatMap { links[$0] } }
            let cards = members.compactMap(\.self).filter(\.isInterface).map(\.mac)
            guard cards.count == members.count, let first = cards.first else { return leaveOut(link) }
            let bond = bond(link, of: cards)
            (kind, mac) = (.virtual(bond), ownMAC(of: link) ?? first)
        case "vlans":
            guard let base = link.value("link")?.text.flatMap({ links[$0] }), let vlan = vlan(link, on: base) else {
                return leaveOut(link)
            }
            (kind, mac) = (.virtual(vlan), ownMAC(of: link) ?? base.mac)
        default: return leaveOut(link)
        }
        noteUnsaid(link)
        var networks = NetworkConfigNetworks(of: link, remarks)
        let converted = GuestLink(
            id: link.id, kind: kind, mac: mac, mtu: link.value("mtu")?.integer, networks: networks.converted())
        remarks = networks.remarks
        return converted
    }

    private func ownMAC(of link: NetworkConfigLink) -> MACAddress? {
        link.value("macaddress")?.text.flatMap { MACAddress($0) }
    }

    private mutating func leaveOut(_ link: NetworkConfigLink) -> GuestLink? {
        let reason = link.section == "bridges" ? "a bridge" : "the links below this one"
        remarks.note(link.key, link.path, "network_data.json cannot express \(reason): OpenStack guests have no such link")
        return nil
    }

    // MARK: Kinds

    private mutating func bond(_ link: NetworkConfigLink, of members: [MACAddress]) -> VirtualLink.Kind {
        var (mode, parameters) = ("balance-rr", [Tag]())
        for entry in link.entries("parameters") {
            let text = entry.value.text ?? ""
            if entry.name == "mode" {
                mode = text
            } else if let name = Self.bondParameters[entry.name], !name.isNumber || Int64(text) != nil {
                parameters.append(Tag(name.name, text))
            } else if !Self.netplanParameters.contains(entry.name) {
                remarks.note(entry.key, "\(link.path)/parameters/\(entry.name)", Self.unsaid)
            }
        }
        return .bond(mode: mode, members: members, parameters: parameters)
    }

    /// The parameters of a bond that cloud-init takes from `network_data.json`: by its netplan renderer, and by its schema in the type that
    /// Linux's driver has. Of the others the renderer loses some, and the schema wants other types for some.
    private static let bondParameters: [String: (name: String, isNumber: Bool)] = [
        "lacp-rate": ("bond_lacp_rate", false), "mii-monitor-interval": ("bond_miimon", true),
        "min-links": ("bond_min_links", true),
        "transmit-hash-policy": ("bond_xmit_hash_policy", false), "ad-select": ("bond_ad_select", false),
        "arp-interval": ("bond_arp_interval", true), "down-delay": ("bond_downdelay", true),
        "fail-over-mac-policy": ("bond_fail_over_mac", false), "gratuitous-arp": ("bond_num_grat_arp", true),
        "primary-reselect-policy": ("bond_primary_reselect", false),
    ]

    /// Those of which the check has noted that no other document can say them.
    private static let netplanParameters = ["all-members-active", "packets-per-member", "gratuitious-arp", "resend-igmp"]

    private func vlan(_ link: NetworkConfigLink, on base: GuestLink) -> VirtualLink.Kind? {
        guard let id = link.value("id")?.integer else { return nil }
        switch base.kind {
        case .interface: return .vlan(id: id, on: .interface(base.mac))
        case .virtual(.bond): return .vlan(id: id, on: .bond(base.id))
        case .virtual(.vlan): return nil
        }
    }

    // MARK: Keys

    /// The keys that change something and that no document but the configuration itself can say. Those of netplan alone are noted by the check.
    private mutating func noteUnsaid(_ link: NetworkConfigLink) {
        for key in ["optional", "wakeonlan"] where link.boolean(key) == true { note(link, key) }
        for key in ["renderer", "set-name"] where link.value(key) != nil { note(link, key) }
        for key in ["dhcp4-overrides", "dhcp6-overrides"] {
            let names = link.entries(key).map(\.name)
            if !names.isEmpty, let entry = link.entry(key) {
                remarks.note(entry.key, "\(link.path)/\(key)", "\(Self.unsaid) (\(names.map(shown).joined(separator: ", ")))")
            }
        }
    }

    private mutating func note(_ link: NetworkConfigLink, _ key: String) {
        if let entry = link.entry(key) { remarks.note(entry.key, "\(link.path)/\(key)", Self.unsaid) }
    }
}

extension GuestLink {
    fileprivate var isInterface: Bool { if case .interface = kind { true } else { false } }
}
