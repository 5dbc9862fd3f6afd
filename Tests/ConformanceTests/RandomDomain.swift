import Common
import JSON
import TestSupport

/// Random domains from a seed: unusual names, empty elements, duplicate and missing values.
struct RandomDomain {
    private var generator: Dice

    /// A source of domains; the same seed makes the same ones.
    init(seed: UInt64) {
        generator = Dice(seed: seed)
    }

    /// Names with Unicode characters that separate, join, reverse and decorate.
    private static let names = [
        "", "a", "key", "0", "12", "-1", "latest", "a b", " a", "a ", "a\u{A0}", "\u{3000}a", ".", "..", "...", "a/b", "/", "a=b",
        "=",
        "0=x", "a?b", "a#b", "%2e", "%00", "%", "a%zz", "security-credentials", "openssh-key", "größe", "gro\u{308}ße", "\u{301}",
        "a\u{301}",
        "a/\u{301}", "=\u{301}", "a\u{200D}", "\u{600}", "a\u{600} ", "\u{600}/", "\u{600}=", "👩‍👩‍👧", "🇩🇪", "עברית", "\u{202E}abc",
        "a\u{2028}b",
        "a\u{2029}", "\u{85}", "a\u{85}b", "a\nb", "a\rb", "a\r\nb", "a\tb", "\u{FEFF}a", "a\u{FE0F}", "１２", "٣", "+1", "0x1",
        "名前",
        String(repeating: "n", count: 300), "\u{1F1E9}/", "a:b", "a&b", "<a>", "'", "\"", "\\", "~",
    ]

    private static let texts = [
        "", " ", "x", "two\nlines", "\n  block\n  of text\n  ", "ends\n", "\n", "i-1", "ssh-ed25519 AAAA me", "große \u{600} ",
        "0", "-1", "9999999", "{}", "[{\"a\": null}]", "rack-1a", "192.0.2.0/24", "2001:db8::/48", "1.0", "spot",
        "192.0.2.7/24", "2001:db8::7/64", "fe80::1", "203.0.113.7", "1400", "ephemeral", "swap", "web", "no such thing",
        "\u{2028}", "a\u{85}",
    ]

    private static let placements = [
        "availability-zone", "availability-zone-id", "region", "group-name", "host-id", "partition-number",
    ]

    /// Elements with child elements that are served unchanged, and lists.
    private static let groups = [
        ("services", ["domain", "partition"]), ("autoscaling", ["target-lifecycle-state"]),
        ("spot", ["instance-action", "termination-time"]), ("product-codes", ["product-code"]),
        ("ancestor-images", ["image-id"]),
    ]

    private mutating func pick(_ texts: [String]) -> String { texts[Int.random(in: texts.indices, using: &generator)] }
    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }
    private mutating func several(_ most: Int, _ make: (inout Self) -> String) -> String {
        (0..<Int.random(in: 0...most, using: &generator)).map { _ in make(&self) }.joined()
    }

    /// The next domain's XML.
    mutating func next() -> [UInt8] {
        let words = [
            "instance-id", "name", "hostname", "instance-type", "image-id", "kernel-id", "ramdisk-id", "image-manifest-path",
            "reservation-id",
            "launch-index", "instance-action", "project-id", "owner-id", "profile", "instance-life-cycle",
        ]
        var instance = words.filter { _ in chance(40) }.map { element($0, pick(Self.texts + Self.names)) }.joined()
        if chance(50) {
            instance += element("placement", markup: several(4) { $0.element($0.pick(Self.placements), $0.pick(Self.texts)) })
        }
        for (group, words) in Self.groups where chance(40) {
            instance += element(group, markup: several(3) { $0.element($0.pick(words), $0.pick(Self.texts)) })
        }
        if chance(30) {
            let maintenance = element("history", pick(Self.texts)) + element("scheduled", pick(Self.texts))
            instance += element("events", markup: element("maintenance", markup: maintenance))
        }
        if chance(40) {
            let roles = several(3) { $0.element("security-credentials", $0.pick(Self.texts), ("role", $0.pick(Self.names))) }
            instance += element("iam", markup: roles + element("info", pick(Self.texts)))
        }
        if chance(80) { instance += element("public-keys", markup: several(6) { $0.key() }) }
        if chance(50) { instance += element("security-groups", markup: several(3) { $0.element("group", $0.pick(Self.names)) }) }
        if chance(50) {
            instance += element(
                "tags", markup: several(5) { $0.element("tag", $0.pick(Self.texts), ("name", $0.pick(Self.names))) })
        }
        if chance(50) { instance += element("userdata", pick(Self.texts)) }
        if chance(30) { instance += element("vendordata", JSONEncoding.text(value(depth: 3))) }
        if chance(70) { instance += element("additional", JSONEncoding.text(object(depth: 4))) }
        if chance(60) {
            instance += element(
                "interfaces", markup: several(3) { $0.interface() } + several(2) { $0.bond() } + several(3) { $0.vlan() })
        }
        if chance(40) {
            instance += element(
                "files", markup: several(4) { $0.element("file", $0.pick(Self.texts), ("path", $0.pick(Self.names))) })
        }
        if chance(50) { instance += element("disks", markup: several(3) { $0.disk() }) }
        return Array(
            """
            <domain type='test'>\(chance(50) ? "<os><type arch='x86_64'>hvm</type></os>" : "")<name>\(escaped(pick(Self.names + Self.texts)))x</name>\(element("title", pick(Self.names)))\
            <uuid>\(digits(8))-\(digits(4))-\(digits(4))-\(digits(4))-\(digits(12))</uuid>\
            <metadata><instance xmlns='urn:virt-metadata:instance:1'>\(instance)</instance></metadata>\
            <devices>\(several(3) { $0.domainDisk() })<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>\
            </interface>\(chance(50) ? "<interface type='bridge'><mac address='52:54:00:00:00:02'/></interface>" : "")</devices></domain>
            """.utf8)
    }

    private mutating func key() -> String {
        let formats = ["openssh-key", "openssh-key", "x509", "rfc4716"] + Self.names
        let values = several(3) { $0.element("key", $0.pick(Self.texts), ("format", $0.pick(formats))) }
        return element("public-key", markup: element("key", "ssh-ed25519 AAAA me") + values, ("name", pick(Self.names)))
    }

    private static let interfaceWords = [
        "address", "public-ipv4", "mtu", "device-number", "network-card", "interface-id", "vpc-id", "subnet-id",
        "subnet-cidr-block", "vpc-cidr-block", "gateway", "dns", "ipv4", "ipv6", "tag",
    ]

    private static let addresses = [
        "192.0.2.7/24", "192.0.2.0/24", "2001:db8::7/64", "2001:db8::/48", "203.0.113.7", "198.51.100.7/32", "0.0.0.0/0", "1",
    ]

    private mutating func interface() -> String {
        // Half of the elements are valid ones; otherwise nearly all would be rejected.
        let words = several(6) { $0.element($0.pick(Self.interfaceWords), $0.pick($0.chance(50) ? Self.addresses : Self.texts)) }
        return element("interface", markup: words, ("mac", pick(["52:54:00:00:00:01", "52:54:00:00:00:02", "x"])))
    }

    private mutating func bond() -> String {
        let members = several(3) { $0.element("member", "", ("mac", $0.pick(["52:54:00:00:00:01", "52:54:00:00:00:02", "x"]))) }
        return element(
            "bond", markup: members + linkWords(), ("mode", pick(["802.3ad", "active-backup", ""])),
            ("name", pick(["bond0", "b", "a=b"])))
    }

    private mutating func vlan() -> String {
        let base = pick(["52:54:00:00:00:01", "bond0", "b", "x", ""])
        return element("vlan", markup: linkWords(), ("id", pick(["1", "4094", "0", "x"])), ("on", base))
    }

    private mutating func linkWords() -> String {
        several(4) {
            $0.element(
                $0.pick(["address", "gateway", "dns", "mtu", "ipv4", "ipv6"]), $0.pick(Self.addresses + ["dhcp", "slaac"]))
        }
    }

    private mutating func disk() -> String {
        element("disk", "", ("target", pick(["vda", "vdb", "vdc", ""])), ("role", pick(["ephemeral", "swap", ""])))
    }

    private mutating func domainDisk() -> String {
        element("disk", markup: element("target", "", ("dev", pick(["vda", "vdb", "vdc", "sda"]))))
    }

    private mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
        case 0: .null
        case 1: .bool(true)
        case 2: .integer(Int64.random(in: .min ... .max, using: &generator))
        case 3: .real(-0.5)
        case 4: .string(pick(Self.texts))
        case 5: .array([])
        case 6: .array([value(depth: depth - 1)])
        default: object(depth: depth - 1)
        }
    }

    private mutating func object(depth: Int) -> JSONValue {
        var members: [JSONMember] = []
        for _ in 0..<Int.random(in: 0...5, using: &generator) {
            let name = pick(Self.names)
            guard !members.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) else { continue }
            members.append(JSONMember(name, value(depth: depth)))
        }
        return .object(members)
    }

    // MARK: XML

    private func element(_ name: String, _ text: String, _ attributes: (String, String)...) -> String {
        "<\(name)\(attributes.map { " \($0)='\(escaped($1))'" }.joined())>\(escaped(text))</\(name)>"
    }

    private func element(_ name: String, markup: String, _ attributes: (String, String)...) -> String {
        "<\(name)\(attributes.map { " \($0)='\(escaped($1))'" }.joined())>\(markup)</\(name)>"
    }

    private func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            "<>&'\"\n\r\t\u{85}".unicodeScalars.contains(scalar) ? "&#\(scalar.value);" : String(scalar)
        }.joined()
    }

    private mutating func digits(_ count: Int) -> String {
        (0..<count).map { _ in String(Int.random(in: 0..<16, using: &generator), radix: 16) }.joined()
    }
}
