import Common
import XML

/// The lines that a network adds to the configuration of its dnsmasq (`<dnsmasq:options>`), and what they change for guests.
struct DNSMasqOptions {
    /// A line `key=value,value`.
    struct Line {
        let key: String
        let fields: [Substring]
    }

    /// An address for a client (`dhcp-host`).
    struct Host {
        let macs: [MACAddress]
        let names: [String]
        let address: IPAddress
    }

    private let all: [Line]
    let dhcp: [DHCPOption]

    init(in network: XMLElement) {
        all = Self.lines(in: network)
        dhcp = all.compactMap(DHCPOption.init)
    }

    private static let namespace = "http://libvirt.org/schemas/network/dnsmasq/1.0"

    /// The longest line that dnsmasq reads as one, in bytes (MAXDNAME): of a longer one it takes the rest for further lines.
    static let longestLine = 1024

    /// The lines that are longer than dnsmasq reads.
    static func tooLong(in network: XMLElement) -> [XMLElement] {
        network.all("options", "option", namespace: namespace).filter { ($0.attribute("value") ?? "").utf8.count > longestLine }
    }

    static func lines(in network: XMLElement) -> [Line] {
        network.all("options", "option", namespace: namespace).compactMap { $0.attribute("value") }.map { text in
            let text = String(decoding: text.utf8.prefix(longestLine), as: UTF8.self)
            let parts = text.split(separator: "=", maxSplits: 1)
            let fields = parts.count == 2 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : []
            return Line(key: (parts.first.map(String.init) ?? "").trimmingWhitespace(), fields: fields.map(Self.trimmed))
        }
    }

    private static func trimmed(_ field: Substring) -> Substring {
        var field = field.drop(while: \.isWhitespace)
        while field.last?.isWhitespace == true { field.removeLast() }
        return field
    }

    private func values(_ key: String) -> [[Substring]] { all.filter { $0.key == key }.map(\.fields) }

    /// Whether dnsmasq answers DNS where guests ask: on any other port it answers, but tells no guest of it.
    var answersDNS: Bool { values("port").last?.first.map { $0 == "53" } ?? true }

    /// The domain of the names, if one is set for all of them.
    var domain: String? {
        values("domain").last { $0.count == 1 }?.first.map(String.init).flatMap { Hostname.isValid($0) ? $0 : nil }
    }

    /// Whether dnsmasq serves neither DHCP nor router advertisements on a bridge.
    func silences(_ bridge: String?) -> Bool { values("no-dhcp-interface").contains { $0.first.map(String.init) == bridge } }

    /// Fields that are tags or an interface, not part of a range or a client.
    private static func isCondition(_ field: Substring) -> Bool {
        ["tag:", "set:", "net:", "interface:"].contains { field.hasPrefix($0) }
    }

    /// Whether a line adds a range of IPv4 addresses to lease.
    var hasRange4: Bool {
        values("dhcp-range").map { $0.drop(while: Self.isCondition) }.contains { range in
            range.first.flatMap { IPAddress(String($0)) }?.family == .v4
                && !range.dropFirst().contains { ["proxy", "static"].contains($0) }
        }
    }

    /// How the lines have guests configure IPv6, if they do.
    var ipv6: LinkConfiguration.IPv6Method? {
        let ranges = values("dhcp-range").map { $0.drop(while: Self.isCondition) }.filter { range in
            range.first.flatMap { IPAddress(String($0)) }?.family == .v6
        }
        let methods = ranges.map { range -> LinkConfiguration.IPv6Method in
            let modes = Set(range.dropFirst().map(String.init))
            if modes.contains("ra-stateless") { return .stateless }
            let hasEnd = range.dropFirst().first.flatMap { IPAddress(String($0)) } != nil
            if modes.contains("ra-only") || !hasEnd && (modes.contains("slaac") || modes.contains("ra-names")) { return .slaac }
            return .stateful
        }
        return [.stateful, .stateless, .slaac].first(where: methods.contains)
    }

    /// The addresses that lines keep for single clients, without those that only some of their requests get.
    var hosts: [Host] {
        values("dhcp-host").compactMap { fields in
            guard !fields.contains("ignore"), !fields.contains(where: { $0.hasPrefix("tag:") }) else { return nil }
            let addresses = fields.compactMap { IPAddress($0.filter { $0 != "[" && $0 != "]" }) }
            guard let address = addresses.first else { return nil }
            let macs = fields.compactMap { MACAddress.ofLibvirt(String($0)) }
            let names = fields.map(String.init).filter { Hostname.isValid($0) && !Self.isTime($0) && IPAddress($0) == nil }
            return Host(macs: macs, names: macs.isEmpty ? names : [], address: address)
        }
    }

    /// Whether a field is a lease's time: `12h`, `3600`, `infinite`.
    private static func isTime(_ field: String) -> Bool {
        field == "infinite"
            || field.dropLast().allSatisfy(\.isNumber) && field.last.map { $0.isNumber || "smhdw".contains($0) } == true
    }
}
