import TestSupport

/// Random guests on random libvirt networks, made of what such networks really have.
struct RandomNetworkGuest {
    private var generator: Dice

    /// A source of guests; the same seed makes the same ones.
    init(seed: UInt64) { generator = Dice(seed: seed) }

    private static let modes = [
        "<forward mode='nat'/>", "<forward mode='route'/>", "<forward mode='open'/>", "", "<forward mode='none'/>",
        "<forward mode='bridge'/>",
    ]
    private static let servers = [
        "", "<dhcp><range start='10.%.0.100' end='10.%.0.200'/></dhcp>",
        "<dhcp><host mac='52:54:00:00:00:0%' ip='10.%.0.9'/></dhcp>", "<dhcp><host name='other' ip='10.%.0.9'/></dhcp>",
    ]
    private static let prefixes = [
        "", "", "<ip family='ipv6' address='fd00:%::1' prefix='64'/>", "<ip family='ipv6' address='fd00:%::1' prefix='80'/>",
        "<ip family='ipv6' address='fd00:%::1' prefix='64'><dhcp><range start='fd00:%::2' end='fd00:%::9'/></dhcp></ip>",
    ]
    private static let more = [
        "", "", "<domain name='lab%.example'/>", "<dns enable='no'/>", "<mtu size='1400'/>",
        "<route address='172.16.0.0' prefix='12' gateway='10.%.0.7' metric='9'/>",
        "<d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'><d:option value='dhcp-option=3'/></d:options>",
        "<d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'>"
            + "<d:option value='dhcp-option=121,192.0.2.0/24,10.%.0.7,0.0.0.0/0,10.%.0.8'/></d:options>",
        "<d:options xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'>"
            + "<d:option value='dhcp-option=option:domain-search,a.example,b.example'/></d:options>",
    ]
    private static let elements = [
        "", "", "", "<address>10.%.0.20/24</address>", "<address>10.%.0.20/24</address><address>fd00:%::20/64</address>",
        "<address>fd00:%::20/64</address>", "<address>fd00:%::20/64</address><gateway>fe80::1</gateway>",
        "<address>203.0.113.5/32</address><gateway>203.0.113.1</gateway><dns>192.0.2.53</dns>", "<ipv4>none</ipv4>",
        "<ipv4>none</ipv4><ipv6>none</ipv6>", "<ipv6>slaac</ipv6>", "<ipv4>dhcp</ipv4><mtu>1300</mtu>",
        "<address>10.%.0.20/24</address><gateway>10.%.0.254</gateway><route to='198.51.100.0/24' via='10.%.0.253' metric='5'/>",
        "<address>fd00:%::20/64</address><ipv6>slaac</ipv6>", "<dns>192.0.2.53</dns>",
    ]
    private static let states = ["", "", "", "<link state='down'/>"]

    private mutating func pick(_ texts: [String], _ number: Int) -> String {
        texts[Int.random(in: texts.indices, using: &generator)].split(separator: "%", omittingEmptySubsequences: false)
            .joined(separator: "\(number)")
    }

    /// The next guest: a domain with one to three interfaces, and their networks.
    mutating func next() -> (domain: [UInt8], networks: [[UInt8]]) {
        var (networks, interfaces, elements) = ([[UInt8]](), "", "")
        for number in 1...Int.random(in: 1...3, using: &generator) {
            let mode = pick(Self.modes, number)
            let addresses =
                mode.contains("bridge")
                ? ""
                : "<ip address='10.\(number).0.1' prefix='24'>\(pick(Self.servers, number))</ip>\(pick(Self.prefixes, number))"
            let body = "\(mode)<bridge name='virbr\(number)'/>\(addresses)\(pick(Self.more, number))"
            networks.append(Array("<network><name>n\(number)</name>\(body)</network>".utf8))
            interfaces += """
                <interface type='network'><mac address='52:54:00:00:00:0\(number)'/><source network='n\(number)'/>\
                \(pick(Self.states, number))</interface>
                """
            elements += "<interface mac='52:54:00:00:00:0\(number)'>\(pick(Self.elements, number))</interface>"
        }
        let domain = """
            <domain type='test'><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>\
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><interfaces>\(elements)</interfaces></instance></metadata>\
            <devices>\(interfaces)</devices></domain>
            """
        return (Array(domain.utf8), networks)
    }
}
