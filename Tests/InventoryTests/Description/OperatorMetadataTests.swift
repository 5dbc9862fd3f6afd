import Common
import Inventory
import Testing

@Suite struct OperatorMetadataTests {
    private func text(_ elements: String) throws -> String? {
        try assembled(elements).instance.documents.userData.map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Bytes

    @Test func `text user data loses the indentation of the XML, and base64 is served as it decodes`() throws {
        #expect(try text("<userdata>\n   #cloud-config\n   a: 1\n  </userdata>") == "#cloud-config\na: 1")
        #expect(try text("<userdata> as it is </userdata>") == " as it is ")
        #expect(try text("<userdata><![CDATA[<a>&\n]]></userdata>") == "<a>&\n")
        #expect(
            try assembled("<userdata encoding='base64'>\n  AP8\r\n  K\n</userdata>").instance.documents.userData == [
                0, 0xFF, 0x0A,
            ])
    }

    @Test(arguments: [
        "<userdata/>", "<userdata></userdata>", "<userdata>\n  \n</userdata>", "<userdata encoding='base64'> </userdata>",
    ])
    func `missing user data gives no finding`(elements: String) throws {
        #expect(try text(elements) == nil)
        #expect(try findings(elements) == [])
    }

    @Test(arguments: [
        ("<userdata encoding='base64'>A</userdata>", "userdata: is no base64 (RFC 4648 §4)"),
        ("<userdata encoding='base64'>AP8-</userdata>", "userdata: is no base64 (RFC 4648 §4)"),
        (
            "<userdata encoding=''>x</userdata>",
            "userdata: the encoding '' is unknown; there is 'base64', and text without the attribute"
        ),
        ("<userdata>a <b/></userdata>", "userdata: holds elements; write '<' as '&lt;' or use a CDATA section"),
    ]) func `unusable user data is omitted and reported`(elements: String, finding: String) throws {
        #expect(try text(elements) == nil)
        #expect(try findings(elements) == [finding])
    }

    @Test func `vendor data is JSON of any kind, as text or as base64`() throws {
        #expect(try assembled("<vendordata>[1]</vendordata>").instance.documents.vendorData == .array([.integer(1)]))
        #expect(
            try assembled("<vendordata encoding='base64'>WzFd</vendordata>").instance.documents.vendorData
                == .array([.integer(1)]))
        #expect(try assembled("<vendordata>#cloud-config</vendordata>").instance.documents.vendorData == nil)
        #expect(try findings("<vendordata>{</vendordata>").first?.hasPrefix("vendordata: is no JSON: line 1") == true)
    }

    // MARK: Additional

    private func additional(_ json: String) throws -> String? {
        try assembled("<additional><![CDATA[\(json)]]></additional>").instance.documents.additional.map { directory in
            func shown(_ directory: Directory) -> String {
                directory.members.map { member in
                    guard case .directory(let inner) = member.node else {
                        return "\(member.label)=\(String(decoding: (try? member.node?.content)?.bytes ?? [], as: UTF8.self))"
                    }
                    return "\(member.label)(\(shown(inner)))"
                }.joined(separator: ",")
            }
            return shown(directory)
        }
    }

    @Test func `an object is a directory, a string a leaf, and anything else a leaf of its JSON`() throws {
        #expect(
            try additional(#"{"b": {"x": "1\n"}, "a": 1.50, "c": [null, {"é": []}], "d": false}"#)
                == #"b/(x=1"# + "\n" + #"),a=1.5,c=[null, {"\u00E9": []}],d=false"#)
    }

    @Test(arguments: [
        (#"{"": 1}"#, "the name of '' is empty"), (#"{"a": {"b/c": 1}, "x": 1}"#, "the name of 'a/b/c' holds a '/'"),
        (#"{"a=b": 1, "x": 1}"#, "the name of 'a=b' holds a '='"), (#"{"a": null}"#, "'a' is null"),
        (#"{"a": ""}"#, "'a' is empty"),
        (#"{"a": {}}"#, "'a' is an object without a place"),
        (#"{"é": 1, "e\u0301": 2}"#, "'e\u{301}' is given twice; the first one counts"),
    ]) func `a member that cannot be an entry is omitted and reported`(json: String, problem: String) throws {
        #expect(try findings("<additional><![CDATA[\(json)]]></additional>").contains("additional: \(problem)"))
        let shown = try additional(json)
        #expect(shown == nil || ["x=1", "é=1"].contains(shown))
    }

    @Test(arguments: ["[1]", "1", "null", "\"a\""]) func `a value that is not an object is unusable`(json: String) throws {
        #expect(try additional(json) == nil)
        #expect(try findings("<additional>\(json)</additional>") == ["additional: is no JSON object"])
    }

    @Test(arguments: ["{", "{\"a\": 1, \"a\": 2}", "{} {}", "{\"a\": \"\\u0000\"}"]) func `invalid JSON is unusable`(
        json: String
    ) throws {
        #expect(try additional(json) == nil)
        #expect(try findings("<additional>\(json)</additional>").map { $0.hasPrefix("additional: is no JSON: line 1") } == [true])
    }

    @Test func `an object without an entry is reported, also at the top`() throws {
        #expect(try additional("{}") == nil)
        #expect(try findings("<additional>{}</additional>") == ["additional: is an object without a place"])
    }

    // MARK: Keys

    private func keys(_ elements: String) throws -> [String] {
        try assembled("<public-keys>\(elements)</public-keys>").instance.access.publicKeys.map { key in
            "\(key.name): \(key.formats.map { "\($0.name)=\($0.value)" }.joined(separator: ","))"
        }
    }

    @Test func `a key's format is openssh-key by default, and its text is trimmed`() throws {
        #expect(
            try keys(
                """
                <public-key name='b'><key>\n  ssh-rsa A\n</key></public-key>
                <public-key name='a'><key format='x509'>one\ntwo\n</key><key format='openssh-key'>ssh-rsa B</key></public-key>
                """) == ["b: openssh-key=ssh-rsa A", "a: x509=one\ntwo,openssh-key=ssh-rsa B"])
    }

    @Test(arguments: [
        ("<public-key><key>k</key></public-key>", ["has no attribute 'name'"]),
        ("<public-key name='a=b'><key>k</key></public-key>", ["the name 'a=b' holds a '='"]),
        (
            "<public-key name='a&#10;b'><key>k</key></public-key>",
            ["the name 'a\\nb' holds a line break or another control character"]
        ),
        ("<public-key name='a'/>", ["the key 'a' has no <key> that can be used"]),
        ("<public-key name='a'><key> </key></public-key>", ["the key is empty", "the key 'a' has no <key> that can be used"]),
        (
            "<public-key name='a'><key>1\n2</key></public-key>",
            ["an openssh-key is one line; give each key a <public-key> of its own", "the key 'a' has no <key> that can be used"]
        ),
        (
            "<public-key name='a'><key format='a/b'>k</key></public-key>",
            ["the format 'a/b' holds a '/'", "the key 'a' has no <key> that can be used"]
        ),
    ]) func `an unusable key is omitted and reported`(elements: String, problems: [String]) throws {
        #expect(try keys(elements + "<public-key name='good'><key>k</key></public-key>") == ["good: openssh-key=k"])
        let found = try assembled("<public-keys>\(elements)</public-keys>").findings
        #expect(found.map(\.problem) == problems)
        #expect(found.allSatisfy { $0.weight == .unusable })
    }

    @Test func `of two keys or formats of one name the first counts`() throws {
        let elements = "<public-key name='a'><key>1</key><key>2</key></public-key><public-key name='a'><key>3</key></public-key>"
        #expect(try keys(elements) == ["a: openssh-key=1"])
        #expect(
            try findings("<public-keys>\(elements)</public-keys>") == [
                "public-keys/public-key/key: the format 'openssh-key' is given twice; the first one counts",
                "public-keys/public-key: the name 'a' is given twice; the first one counts",
            ])
    }

    @Test func `a key without the format that clients of EC2 ask for is noted`() throws {
        #expect(
            try findings("<public-keys><public-key name='a'><key format='x509'>k</key></public-key></public-keys>") == [
                "public-keys/public-key: note: only the OpenStack documents show 'a': clients of EC2 want every key as openssh-key"
            ])
        #expect(
            try findings("<public-keys><public-key name='a'><key format='y'>k</key></public-key></public-keys>") == [
                "public-keys/public-key: note: no place shows 'a': clients of EC2 want every key as openssh-key"
            ])
    }

    // MARK: Elements

    @Test(arguments: [
        ("<nme>x</nme>", "nme: is not a word of the vocabulary; is 'name' meant?"),
        ("<zzzzzzzz/>", "zzzzzzzz: is not a word of the vocabulary"),
        ("<placement><rack>7</rack></placement>", "placement/rack: is not a word of the vocabulary"),
        ("<name>a</name><name>b</name>", "name: is given twice; the first one counts"),
        ("<x xmlns=''/>", "x: is outside the namespace urn:virt-metadata:instance:1"),
        ("<launch-index>1.5</launch-index>", "launch-index: '1.5' is no number from 0"),
        ("<launch-index>99999999999999999999</launch-index>", "launch-index: '99999999999999999999' is no number from 0"),
        ("<hostname>a b</hostname>", "hostname: 'a b' is no host name; 'a-b' would be"),
        ("<hostname>日本</hostname>", "hostname: '日本' is no host name"),
        ("<name>a&#x2028;b</name>", "name: holds a line break or another control character"),
        ("<tags><tag>x</tag></tags>", "tags/tag: has no attribute 'name'"),
        ("<tags><tag name='a/b'>x</tag></tags>", "tags/tag: the name 'a/b' holds a '/'"),
        ("<tags><tag name='a'/><tag name='a'/></tags>", "tags/tag: the name 'a' is given twice; the first one counts"),
        ("<disks><disk target='vdz'/></disks>", "disks/disk: the domain has no disk 'vdz'"),
        ("<disks><disk/></disks>", "disks/disk: has no attribute 'target'"),
        (
            "<interfaces><interface mac='52:54:00:00:00:ff'/></interfaces>",
            "interfaces/interface: the domain has no interface 52:54:00:00:00:ff"
        ),
        (
            "<interfaces><interface mac='1'/></interfaces>",
            "interfaces/interface: has no attribute 'mac' that is a hardware address"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><mtu>67</mtu></interface></interfaces>",
            "interfaces/interface/mtu: '67' is no number of bytes from 68 to 65535"
        ),
        (
            "<instance-id>web</instance-id>",
            "instance-id: note: clients such as CirrOS wait for an identifier that begins with 'i-'"
        ),
        ("<files><file>x</file></files>", "files/file: has no attribute 'path'"),
        (
            "<files><file path='/a'>x</file><file path='/a'>y</file></files>",
            "files/file: the path '/a' is given twice; the first one counts"
        ),
        (
            "<files><file path='/a' encoding='x'>x</file></files>",
            "files/file: the encoding 'x' is unknown; there is 'base64', and text without the attribute"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><route to='10.0.0.0/8' via='fd00::1'/></interface></interfaces>",
            "interfaces/interface/route: is no route; write <route to='198.51.100.0/24' via='192.0.2.1'/>"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><address>192.0.2.7</address></interface></interfaces>",
            "interfaces/interface: note: 192.0.2.7 has no length of a prefix: guests are told of it, but it is not configured by it"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><address>192.0.2.7/24</address><gateway>192.0.3.1</gateway></interface></interfaces>",
            "interfaces/interface: note: the gateway 192.0.3.1 is in the subnet of none of its addresses"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><ipv6>auto</ipv6></interface></interfaces>",
            "interfaces/interface/ipv6: 'auto' is none of slaac, dhcp, dhcpv6-stateful, dhcpv6-stateless, none"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><gateway>192.0.2.1</gateway><gateway>192.0.2.2</gateway><address>192.0.2.7/24</address></interface></interfaces>",
            "interfaces/interface/gateway: there is one for this family already; the first one counts"
        ),
        (
            "<interfaces><bond mode='fast'/></interfaces>",
            "interfaces/bond: the mode 'fast' is none of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb"
        ),
        ("<interfaces><bond mode='802.3ad'/></interfaces>", "interfaces/bond: has no <member>"),
        (
            "<interfaces><bond mode='802.3ad'><member mac='52:54:00:00:00:ff'/></bond></interfaces>",
            "interfaces/bond: the domain has no interface 52:54:00:00:00:ff"
        ),
        ("<interfaces><vlan id='4095' on='bond0'/></interfaces>", "interfaces/vlan: has no attribute 'id' from 1 to 4094"),
        (
            "<interfaces><vlan id='5'/></interfaces>",
            "interfaces/vlan: has no attribute 'on': a hardware address, or the name of a bond"
        ),
        ("<interfaces><vlan id='5' on='bond7'/></interfaces>", "interfaces/vlan: there is no bond 'bond7'"),
        ("<imds tokens='requierd'/>", "imds: tokens: 'requierd' is neither 'optional' nor 'required'"),
        ("<imds hop-limit='0'/>", "imds: hop-limit: '0' is no number of hops from 1 to 64"),
        ("<imds hop-limit='65'/>", "imds: hop-limit: '65' is no number of hops from 1 to 64"),
        ("<imds token='required'/>", "imds: there is no attribute 'token'; there are 'tokens' and 'hop-limit'"),
        (
            "<imds tokens='required'/>",
            "imds: note: who sends no token gets 401: cloud-init's OpenStack and NoCloud sources, cloudbase-init and CirrOS among them"
        ),
        (
            "<tags><tag name='0=x'>y</tag></tags>",
            "tags/tag: note: only the OpenStack documents show '0=x': in a listing of EC2 it reads as a key"
        ),
        (
            "<tags><tag name='a&#10;b'>y</tag></tags>",
            "tags/tag: the name 'a\\nb' holds a line break or another control character"
        ),
        ("<services><domian>x</domian></services>", "services/domian: is not a word of the vocabulary; is 'domain' meant?"),
        ("<events><maintenance><history>[</history></maintenance></events>", "events/maintenance/history: is no JSON: "),
        ("<spot><instance-action>stop</instance-action></spot>", "spot/instance-action: is no JSON: "),
        ("<iam><security-credentials>{}</security-credentials></iam>", "iam/security-credentials: has no attribute 'role'"),
        (
            "<iam><security-credentials role='a/b'>{}</security-credentials></iam>",
            "iam/security-credentials: the role 'a/b' holds a '/'"
        ),
        ("<placement><partition-number>a</partition-number></placement>", "placement/partition-number: 'a' is no number from 0"),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><subnet-cidr-block>192.0.2.0</subnet-cidr-block></interface></interfaces>",
            "interfaces/interface/subnet-cidr-block: '192.0.2.0' is no range of addresses; write 192.0.2.0/24 or 2001:db8::/64"
        ),
    ]) func `each thing that an operator should know is named once`(elements: String, finding: String) throws {
        let found = try findings(elements)
        #expect(found.count == 1)
        // The JSON parser's message follows.
        #expect(finding.hasSuffix(": ") ? found.first?.hasPrefix(finding) == true : found == [finding])
    }

    @Test func `elements of another namespace are ignored, and an empty element has no value`() throws {
        #expect(try findings("<x xmlns='urn:x'/><name/><instance-id> </instance-id><launch-index/><hostname/>") == [])
        let instance = try assembled("<name/><instance-id> </instance-id>").instance
        #expect(instance.name == "web" && instance.id == "i-8367916213784288a")
    }

    @Test func `a value that cannot be used costs that value alone`() throws {
        let instance = try assembled("<launch-index>x</launch-index><hostname>-</hostname><name>N</name><bogus/>").instance
        #expect(instance.launch.index == 0 && instance.hostname == "web" && instance.name == "N")
    }

    @Test func `a long value is named by its beginning, and no control character reaches a terminal`() throws {
        let long = String(repeating: "x", count: 50)
        #expect(
            try findings("<launch-index>\(long)</launch-index>") == ["launch-index: '\(long.prefix(40))…' is no number from 0"])
        #expect(
            try findings("<disks><disk target='\(long)'/></disks>") == [
                "disks/disk: the domain has no disk '\(long.prefix(40))…'"
            ])
        #expect(try findings("<tags><tag name='a/&#x85;'/></tags>") == ["tags/tag: the name 'a/\\u{0085}' holds a '/'"])
    }

    @Test func `findings come in the order of the lines`() throws {
        let found = try assembled("\n<launch-index>x</launch-index>\n<disks><disk target='v'/></disks>\n<bogus/>").findings
        #expect(found.map(\.line) == [2, 3, 4])
        #expect(found.first?.description == "line 2: launch-index: 'x' is no number from 0")
    }
}
