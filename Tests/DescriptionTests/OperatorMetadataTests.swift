import Common
import Description
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
        ("<userdata encoding='base64'>A</userdata>", "userdata: invalid base64 (RFC 4648 §4)"),
        ("<userdata encoding='base64'>AP8-</userdata>", "userdata: invalid base64 (RFC 4648 §4)"),
        (
            "<userdata encoding=''>x</userdata>",
            "userdata: unknown encoding '': expected base64, or no attribute for text"
        ),
        ("<userdata>a <b/></userdata>", "userdata: contains elements; write '<' as '&lt;' or use a CDATA section"),
    ]) func `unusable user data is omitted and reported`(elements: String, finding: String) throws {
        #expect(try text(elements) == nil)
        #expect(try findings(elements) == [finding])
    }

    @Test func `vendor data is JSON of any kind, as text or as base64`() throws {
        #expect(try assembled("<vendordata>[1]</vendordata>").instance.documents.vendorData == .array([.integer(1)]))
        #expect(
            try assembled("<vendordata encoding='base64'>WzFd</vendordata>").instance.documents.vendorData
                == .array([.integer(1)]))
        #expect(try assembled("<vendordata>cloud-config</vendordata>").instance.documents.vendorData == nil)
        #expect(try findings("<vendordata>{</vendordata>").first?.hasPrefix("vendordata: invalid JSON: line 1") == true)
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
        (#"{"": 1}"#, "the member name '' is empty"), (#"{"a": {"b/c": 1}, "x": 1}"#, "the member name 'a/b/c' contains '/'"),
        (#"{"a=b": 1, "x": 1}"#, "the member name 'a=b' contains '='"), (#"{"a": null}"#, "'a' is null"),
        (#"{"a": ""}"#, "'a' is empty"),
        (#"{"a": {}}"#, "'a' has no usable member"),
        (#"{"é": 1, "e\u0301": 2}"#, "duplicate member 'e\u{301}'; the first one is used"),
    ]) func `a member that cannot be an entry is omitted and reported`(json: String, problem: String) throws {
        #expect(try findings("<additional><![CDATA[\(json)]]></additional>").contains("additional: \(problem)"))
        let shown = try additional(json)
        #expect(shown == nil || ["x=1", "é=1"].contains(shown))
    }

    @Test(arguments: ["[1]", "1", "null", "\"a\""]) func `a value that is not an object is unusable`(json: String) throws {
        #expect(try additional(json) == nil)
        #expect(try findings("<additional>\(json)</additional>") == ["additional: invalid value: expected a JSON object"])
    }

    @Test(arguments: ["{", "{\"a\": 1, \"a\": 2}", "{} {}", "{\"a\": \"\\u0000\"}"]) func `invalid JSON is unusable`(
        json: String
    ) throws {
        #expect(try additional(json) == nil)
        #expect(
            try findings("<additional>\(json)</additional>").map { $0.hasPrefix("additional: invalid JSON: line 1") } == [true])
    }

    @Test func `an object without an entry is reported, also at the top`() throws {
        #expect(try additional("{}") == nil)
        #expect(try findings("<additional>{}</additional>") == ["additional: has no usable member"])
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
        ("<public-key name='a=b'><key>k</key></public-key>", ["the name 'a=b' contains '='"]),
        (
            "<public-key name='a&#10;b'><key>k</key></public-key>",
            ["the name 'a\\nb' contains a line break or another control character"]
        ),
        ("<public-key name='a'/>", ["the public key 'a' has no usable <key>"]),
        ("<public-key name='a'><key> </key></public-key>", ["the key is empty", "the public key 'a' has no usable <key>"]),
        (
            "<public-key name='a'><key>1\n2</key></public-key>",
            ["an openssh-key must be one line; write a <public-key> for each key", "the public key 'a' has no usable <key>"]
        ),
        (
            "<public-key name='a'><key>junk</key></public-key>",
            [
                "invalid public key: expected OpenSSH's format (ssh-ed25519 AAAA… comment)",
                "the public key 'a' has no usable <key>",
            ]
        ),
        (
            "<public-key name='a'><key format='a/b'>k</key></public-key>",
            ["the format 'a/b' contains '/'", "the public key 'a' has no usable <key>"]
        ),
    ]) func `an unusable key is omitted and reported`(elements: String, problems: [String]) throws {
        let good = "<public-key name='good'><key>ssh-rsa A</key></public-key>"
        #expect(try keys(elements + good) == ["good: openssh-key=ssh-rsa A"])
        let found = try assembled("<public-keys>\(elements)</public-keys>").findings
        #expect(found.map(\.problem) == problems)
        #expect(found.allSatisfy { $0.weight == .unusable })
    }

    @Test func `of two keys or formats of one name the first counts`() throws {
        let key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB"
        let elements =
            "<public-key name='a'><key>\(key) 1</key><key>\(key) 2</key></public-key>"
            + "<public-key name='a'><key>\(key) 3</key></public-key>"
        #expect(try keys(elements) == ["a: openssh-key=\(key) 1"])
        #expect(
            try findings("<public-keys>\(elements)</public-keys>") == [
                "public-keys/public-key/key: duplicate format 'openssh-key'; the first one is used",
                "public-keys/public-key: duplicate name 'a'; the first one is used",
            ])
    }

    @Test(arguments: [
        // Another type.
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
        // Cut off, in the middle of a field and within four characters.
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc me",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4",
        // A letter that base64 does not have.
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4* me",
        "ssh-ed25519 me",
    ]) func `a key whose text is no whole key of its type is served and noted`(key: String) throws {
        let elements = "<public-key name='a'><key>\(key)</key></public-key>"
        #expect(try keys(elements) == ["a: openssh-key=\(key)"])
        #expect(
            try findings("<public-keys>\(elements)</public-keys>") == [
                "public-keys/public-key/key: note: the base64 text is not a complete key of the given type: guests ignore it"
            ])
    }

    @Test func `a key without the format that clients of EC2 ask for is noted`() throws {
        #expect(
            try findings("<public-keys><public-key name='a'><key format='x509'>k</key></public-key></public-keys>") == [
                "public-keys/public-key: note: only the OpenStack documents show 'a': EC2 clients expect every key to have the format openssh-key"
            ])
        #expect(
            try findings("<public-keys><public-key name='a'><key format='y'>k</key></public-key></public-keys>") == [
                "public-keys/public-key: note: no path shows 'a': EC2 clients expect every key to have the format openssh-key"
            ])
    }

    // MARK: Elements

    @Test(arguments: [
        ("<nme>x</nme>", "nme: unknown element; did you mean 'name'?"),
        ("<zzzzzzzz/>", "zzzzzzzz: unknown element"),
        ("<placement><rack>7</rack></placement>", "placement/rack: unknown element"),
        ("<name>a</name><name>b</name>", "name: duplicate element; the first one is used"),
        ("<x xmlns=''/>", "x: is not in the namespace urn:virt-metadata:instance:1"),
        ("<launch-index>1.5</launch-index>", "launch-index: invalid value '1.5': expected an integer from 0"),
        (
            "<launch-index>99999999999999999999</launch-index>",
            "launch-index: invalid value '99999999999999999999': expected an integer from 0"
        ),
        ("<hostname>a b</hostname>", "hostname: 'a b' is not a valid hostname (try 'a-b')"),
        ("<hostname>日本</hostname>", "hostname: '日本' is not a valid hostname"),
        ("<name>a&#x2028;b</name>", "name: contains a line break or another control character"),
        ("<tags><tag>x</tag></tags>", "tags/tag: has no attribute 'name'"),
        (
            "<tags><tag name='a/b'>x</tag></tags>",
            "tags/tag: note: the EC2 tree does not show 'a/b', whose name cannot be a path there: only the OpenStack "
                + "documents and the NoCloud seed do"
        ),
        ("<tags><tag name='a'/><tag name='a'/></tags>", "tags/tag: duplicate name 'a'; the first one is used"),
        ("<disks><disk target='vdz'/></disks>", "disks/disk: the domain has no disk 'vdz'"),
        ("<disks><disk/></disks>", "disks/disk: has no attribute 'target'"),
        (
            "<interfaces><interface mac='52:54:00:00:00:ff'/></interfaces>",
            "interfaces/interface: the domain has no interface 52:54:00:00:00:ff"
        ),
        (
            "<interfaces><interface mac='1'/></interfaces>",
            "interfaces/interface: missing or invalid attribute 'mac': expected a MAC address"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><mtu>67</mtu></interface></interfaces>",
            "interfaces/interface/mtu: invalid MTU '67': expected an integer from 68 to 65535"
        ),
        (
            "<instance-id>web</instance-id>",
            "instance-id: note: clients such as CirrOS wait for an instance-id that begins with 'i-'"
        ),
        ("<files><file>x</file></files>", "files/file: has no attribute 'path'"),
        (
            "<files><file path='/a'>x</file><file path='/a'>y</file></files>",
            "files/file: duplicate path '/a'; the first one is used"
        ),
        (
            "<files><file path='/a' encoding='x'>x</file></files>",
            "files/file: unknown encoding 'x': expected base64, or no attribute for text"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><route to='10.0.0.0/8' via='fd00::1'/></interface></interfaces>",
            "interfaces/interface/route: invalid route: expected e.g. <route to='198.51.100.0/24' via='192.0.2.1'/>"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><route to='10.0.0.0/8' via='192.0.2.1' metric='-1'/></interface></interfaces>",
            "interfaces/interface/route: invalid metric '-1': expected an integer from 0 to 2147483647"
        ),
        (
            "<interfaces><bond mode='802.3ad' miimon='often'><member mac='52:54:00:00:00:01'/></bond></interfaces>",
            "interfaces/bond: invalid miimon 'often': expected an integer, in milliseconds"
        ),
        (
            "<interfaces><bond mode='802.3ad' lacp-rate='1'><member mac='52:54:00:00:00:01'/></bond></interfaces>",
            "interfaces/bond: invalid lacp-rate '1': expected slow or fast"
        ),
        (
            "<interfaces><bond mode='802.3ad' xmit-hash-policy='ports'><member mac='52:54:00:00:00:01'/></bond></interfaces>",
            "interfaces/bond: invalid xmit-hash-policy 'ports': expected a hash policy of Linux's bonding driver, e.g. layer3+4"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><address>192.0.2.7</address></interface></interfaces>",
            "interfaces/interface: note: 192.0.2.7 has no prefix length: it is shown to the guest, but not configured"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><address>192.0.2.7/24</address><gateway>192.0.3.1</gateway></interface></interfaces>",
            "interfaces/interface: note: the gateway 192.0.3.1 is in no subnet of the interface's addresses"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><ipv6>auto</ipv6></interface></interfaces>",
            "interfaces/interface/ipv6: invalid value 'auto': expected one of slaac, dhcp, dhcpv6-stateful, dhcpv6-stateless, none"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><gateway>192.0.2.1</gateway><gateway>192.0.2.2</gateway><address>192.0.2.7/24</address></interface></interfaces>",
            "interfaces/interface/gateway: duplicate gateway for this address family; the first one is used"
        ),
        (
            "<interfaces><bond mode='fast'/></interfaces>",
            "interfaces/bond: invalid mode 'fast': expected one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb"
        ),
        ("<interfaces><bond mode='802.3ad'/></interfaces>", "interfaces/bond: missing <member>"),
        (
            "<interfaces><bond mode='802.3ad'><member mac='52:54:00:00:00:ff'/></bond></interfaces>",
            "interfaces/bond: the domain has no interface 52:54:00:00:00:ff"
        ),
        (
            "<interfaces><vlan id='4095' on='bond0'/></interfaces>",
            "interfaces/vlan: missing or invalid attribute 'id': expected an integer from 1 to 4094"
        ),
        (
            "<interfaces><vlan id='5'/></interfaces>",
            "interfaces/vlan: missing attribute 'on': expected a MAC address or the name of a bond"
        ),
        ("<interfaces><vlan id='5' on='bond7'/></interfaces>", "interfaces/vlan: unknown bond 'bond7'"),
        ("<imds tokens='requierd'/>", "imds: invalid value 'requierd' for tokens: expected optional or required"),
        ("<imds hop-limit='0'/>", "imds: invalid value '0' for hop-limit: expected an integer from 1 to 64"),
        ("<imds hop-limit='65'/>", "imds: invalid value '65' for hop-limit: expected an integer from 1 to 64"),
        ("<imds token='required'/>", "imds: unknown attribute 'token'; did you mean 'tokens'?"),
        (
            "<imds tokens='required'/>",
            "imds: note: requests without a token get 401, such as those of cloud-init's OpenStack and NoCloud datasources, cloudbase-init and CirrOS"
        ),
        (
            "<tags><tag name='0=x'>y</tag></tags>",
            "tags/tag: note: only the OpenStack documents show '0=x': EC2 clients would take it for a public key"
        ),
        (
            "<tags><tag name='a&#10;b'>y</tag></tags>",
            "tags/tag: the name 'a\\nb' contains a line break or another control character"
        ),
        ("<services><domian>x</domian></services>", "services/domian: unknown element; did you mean 'domain'?"),
        ("<events><maintenance><history>[</history></maintenance></events>", "events/maintenance/history: invalid JSON: "),
        ("<spot><instance-action>stop</instance-action></spot>", "spot/instance-action: invalid JSON: "),
        ("<iam><security-credentials>{}</security-credentials></iam>", "iam/security-credentials: has no attribute 'role'"),
        (
            "<iam><security-credentials role='a/b'>{}</security-credentials></iam>",
            "iam/security-credentials: the role 'a/b' contains '/'"
        ),
        (
            "<placement><partition-number>a</partition-number></placement>",
            "placement/partition-number: invalid value 'a': expected an integer from 0"
        ),
        (
            "<interfaces><interface mac='52:54:00:00:00:01'><subnet-cidr-block>192.0.2.0</subnet-cidr-block></interface></interfaces>",
            "interfaces/interface/subnet-cidr-block: invalid address range '192.0.2.0': expected e.g. 192.0.2.0/24 or 2001:db8::/64"
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
            try findings("<launch-index>\(long)</launch-index>") == [
                "launch-index: invalid value '\(long.prefix(40))…': expected an integer from 0"
            ])
        #expect(
            try findings("<disks><disk target='\(long)'/></disks>") == [
                "disks/disk: the domain has no disk '\(long.prefix(40))…'"
            ])
        #expect(
            try findings("<tags><tag name='a/&#x85;'/></tags>") == [
                "tags/tag: the name 'a/\\u{0085}' contains a line break or another control character"
            ])
    }

    @Test func `findings come in the order of the lines`() throws {
        let found = try assembled("\n<launch-index>x</launch-index>\n<disks><disk target='v'/></disks>\n<bogus/>").findings
        #expect(found.map(\.line) == [2, 3, 4])
        #expect(found.first?.description == "line 2: launch-index: invalid value 'x': expected an integer from 0")
    }
}
