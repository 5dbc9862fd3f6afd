import Common
import Description
import Testing

/// Hostile domains: each loses itself or one of its values, and never affects others.
@Suite(.timeLimit(.minutes(1))) struct HostileDescriptionTests {
    private func refusal(_ xml: String) -> String? {
        do throws(DescriptionError) {
            _ = try InstanceAssembly().assemble(Array(xml.utf8))
            return nil
        } catch {
            return error.problem
        }
    }

    private let uuid = "83679162-1378-4288-a2d4-70e13ec132aa"

    @Test func `XML over 4 MiB makes its domain unusable, and XML just under it does not`() throws {
        let capacity = 4 * 1024 * 1024 - domain("<userdata></userdata>").count
        let full = try assembled("<userdata>\(String(repeating: "x", count: capacity))</userdata>")
        #expect(full.instance.documents.userData?.count == capacity)
        #expect(throws: DescriptionError.self) {
            try assembled("<userdata>\(String(repeating: "x", count: capacity + 1))</userdata>")
        }
    }

    @Test func `a document type makes its domain unusable, before any entity is expanded`() {
        let laughs = "<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
        let external = "<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/hostname'>]>"
        for head in [laughs, external, "<!DOCTYPE domain>", "<!DOCTYPE domain SYSTEM 'http://192.0.2.1/x.dtd'>"] {
            #expect(
                refusal("\(head)<domain><name>x</name><uuid>\(uuid)</uuid></domain>")?.contains("document type") == true,
                "\(head)")
        }
        #expect(refusal("<domain><name>&b;</name><uuid>\(uuid)</uuid></domain>") != nil)
    }

    @Test func `deep nesting makes the domain unusable in XML, and the value in JSON`() throws {
        let deep = String(repeating: "<a>", count: 100_000) + String(repeating: "</a>", count: 100_000)
        #expect(throws: DescriptionError.self) { try assembled(deep) }
        let json = String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        let survivor = try assembled("<name>N</name><additional>\(json)</additional>")
        #expect(survivor.instance.name == "N" && survivor.instance.documents.additional == nil)
        #expect(survivor.findings.map(\.element) == ["additional"])
    }

    @Test func `a tree as deep as JSON may be is a tree`() throws {
        let json = String(repeating: #"{"a":"#, count: 64) + "1" + String(repeating: "}", count: 64)
        #expect(try assembled("<additional>\(json)</additional>").instance.documents.additional != nil)
    }

    @Test func `ten thousand keys are ten thousand keys, and soon read`() throws {
        let keys = (0..<10_000).map { "<public-key name='k\($0)'><key>ssh-ed25519 \($0)</key></public-key>" }.joined()
        let clock = ContinuousClock()
        var instance: Instance?
        let time = try clock.measure { instance = try assembled("<public-keys>\(keys)</public-keys>").instance }
        #expect(instance?.access.publicKeys.count == 10_000)
        #expect(instance?.access.publicKeys.last?.name == "k9999")
        #expect(time < .seconds(10))
    }

    @Test func `ten thousand formats, tags, groups and members are soon read`() throws {
        let numbers = 0..<10_000
        let formats = numbers.map { "<key format='f\($0)'>k</key>" }.joined()
        let elements = """
            <public-keys><public-key name='a'>\(formats)</public-key></public-keys>
            <tags>\(numbers.map { "<tag name='t\($0)'/>" }.joined())</tags>
            <security-groups>\(numbers.map { "<group>g\($0)</group>" }.joined())</security-groups>
            <additional>{\(numbers.map { "\"m\($0)\": 1" }.joined(separator: ","))}</additional>
            """
        let clock = ContinuousClock()
        var instance: Instance?
        let time = try clock.measure { instance = try assembled(elements).instance }
        #expect(instance?.access.publicKeys.first?.formats.count == 10_000)
        #expect(instance?.documents.tags.count == 10_000 && instance?.access.securityGroups.count == 10_000)
        #expect(instance?.documents.additional?.members.count == 10_000)
        #expect(time < .seconds(10))
    }

    private static let interface = "<interfaces><interface mac='52:54:00:00:00:01'>"
    private static func address(_ number: Int) -> String { "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)" }

    /// Letters outside of ASCII are the slowest to compare.
    private static let name = "ü"
    private static let lists: [(elements: String, most: Int)] = [
        ("<interfaces>\((0..<20_000).map { "<vlan id='5' on='52:54:00:00:00:01' name='v\($0)'/>" }.joined())</interfaces>", 512),
        (
            "<interfaces>\((0..<20_000).map { "<bond mode='802.3ad' name='b\($0)'><member mac='52:54:00:00:00:01'/></bond>" }.joined())"
                + "</interfaces>", 512
        ),
        (interface + (1...20_000).map { "<address>\(address($0))/8</address>" }.joined() + "</interface></interfaces>", 256),
        (
            interface + "<address>10.255.255.1/8</address>"
                + (0..<20_000).map { "<route to='\(address($0))' via='10.255.255.2'/>" }.joined() + "</interface></interfaces>",
            256
        ),
        (
            interface + "<address>10.255.255.1/8</address>" + (1...20_000).map { "<dns>\(address($0))</dns>" }.joined()
                + "</interface></interfaces>", 256
        ),
        (interface + (0..<20_000).map { "<search>a\($0).example</search>" }.joined() + "</interface></interfaces>", 256),
        (
            interface + (1...20_000).map { "<subnet-cidr-block>\(address($0))/32</subnet-cidr-block>" }.joined()
                + "</interface></interfaces>", 256
        ),
    ]

    @Test(arguments: lists) func `the lists of links are bounded, and soon read`(elements: String, most: Int) throws {
        let clock = ContinuousClock()
        var found: InstanceAssembly.Assembled?
        let time = try clock.measure { found = try assembled(elements) }
        #expect(found?.findings.contains { $0.problem.hasPrefix("more than \(most) such elements") } == true)
        let links = found?.instance.guestLinks ?? []
        #expect(links.count <= 1 + most && links.allSatisfy { $0.networks.count <= most })
        #expect(links.flatMap(\.networks).allSatisfy { $0.routes.count <= most && $0.nameServers.count <= most })
        #expect(time < .seconds(10))
    }

    @Test func `the values of all links together are bounded`() throws {
        let links = (0..<40).map { link in
            "<interface mac='52:54:00:00:00:\(String(link + 16, radix: 16))'>"
                + (0..<200).map { "<address>10.\(link).\($0).1/24</address>" }.joined() + "</interface>"
        }
        let cards = (0..<40).map {
            "<interface type='user'><mac address='52:54:00:00:00:\(String($0 + 16, radix: 16))'/></interface>"
        }
        let found = try assembled("<interfaces>\(links.joined())</interfaces>", devices: cards.joined())
        #expect(found.findings.contains { $0.problem.hasPrefix("more than 4096 elements of all links") })
        #expect(found.instance.interfaces.map(\.addresses.count).reduce(0, +) == 4096)
    }

    @Test func `ten thousand files and disks are soon read`() throws {
        let numbers = 0..<8_000
        let files = numbers.map { "<file path='/\(Self.name)\($0)'/>" }.joined()
        let disks = numbers.map { "<disk target='vd\($0)'/>" }.joined()
        let devices = numbers.map { "<disk type='file' device='disk'><target dev='vd\($0)'/></disk>" }.joined()
        let clock = ContinuousClock()
        var found: InstanceAssembly.Assembled?
        let time = try clock.measure { found = try assembled("<files>\(files)</files><disks>\(disks)</disks>", devices: devices) }
        #expect(found?.instance.documents.files.count == 8_000 && found?.instance.machine.disks.count == 8_000)
        #expect(found?.findings.isEmpty == true)
        #expect(time < .seconds(10))
    }

    @Test(arguments: [
        "#cloud-config\n" + (0..<10_000).map { "unknown_key_\($0): 1\n" }.joined(),
        "#cloud-config-archive\n" + (0..<5_000).map { "- \"#cloud-config\\nunknown_key_\($0): 1\"\n" }.joined(),
    ]) func `user data with thousands of faults is soon examined`(text: String) throws {
        let clock = ContinuousClock()
        var found: [Finding] = []
        let time = try clock.measure { found = try assembled("<userdata>\(text)</userdata>").findings }
        #expect(found.count { $0.problem.contains("unknown key 'unknown_key_") } == 20)
        #expect(found.contains { $0.problem.hasSuffix("more problems are not listed") })
        #expect(time < .seconds(10))
    }

    @Test func `a directory with a long name and many members is soon refused`() throws {
        let members = (0..<20_000).map { "\"m\($0)\": 1" }.joined(separator: ",")
        let json = "{\"\(String(repeating: "a", count: 500_000))\": {\(members)}, \"b\": 1}"
        let clock = ContinuousClock()
        var found: InstanceAssembly.Assembled?
        let time = try clock.measure { found = try assembled("<additional>\(json)</additional>") }
        #expect(found?.instance.documents.additional?.members.map(\.name) == ["b"])
        #expect(found?.findings.map(\.problem).first?.hasSuffix("is too long for a URL") == true)
        #expect(time < .seconds(10))
    }

    @Test func `notes by the thousand are few, and do not hide an error`() throws {
        let tags = (0..<5_000).map { "<tag name='a/\($0)'>b</tag>" }.joined()
        let found = try assembled("<tags>\(tags)</tags><hostname>a b</hostname><instance-type>a&#10;b</instance-type>").findings
        #expect(found.count { $0.weight == .unusable } == 2 && found.count { $0.weight == .note } == 1_000)
        #expect(found.contains { $0.problem == "more notes are not listed" })
        let disks = (0..<5_000).map { "<disk target='vd\($0)'/>" }.joined()
        let unknown = try assembled("<disks>\(disks)</disks>").findings
        #expect(unknown.count == 1_000 && unknown.last?.problem == "4001 more findings are not listed")
    }

    @Test func `misspelt long names are truncated, and soon read`() throws {
        let name = String(repeating: "x", count: 40_000)
        let clock = ContinuousClock()
        var findings: [Finding] = []
        let time = try clock.measure { findings = try assembled(String(repeating: "<\(name)/>", count: 50)).findings }
        #expect(findings.count == 50)
        #expect(findings.allSatisfy { $0.description.utf8.count < 200 })
        #expect(time < .seconds(10))
    }

    // MARK: Work that grew with the square of the length

    @Test func `a long indentation before many empty lines is soon removed`() throws {
        let lines = String(repeating: " ", count: 1_000_000) + "x" + String(repeating: "\n", count: 1_000_000)
        #expect(try assembled("<userdata>\n\(lines)\n</userdata>").instance.documents.userData?.count == 1_000_001)
    }

    @Test func `a long namespace of many elements makes the domain unusable`() {
        let namespace = String(repeating: "u", count: 2_000_000)
        #expect(
            refusal(
                "<domain><name>x</name><uuid>\(uuid)</uuid><x xmlns='\(namespace)'>\(String(repeating: "<a/>", count: 40_000))</x></domain>"
            )
                == "a namespace has more than 1024 bytes")
    }

    /// A network configuration with a link of a very long name, and a bridge with members that are nearly named so.
    private static func nearlyNamed(members: Int) -> String {
        let name = String(repeating: "a", count: 120_000)
        let others = Array(repeating: "*b", count: members).joined(separator: ", ")
        return "version: 2\nethernets:\n  ? \(name)\n  : {dhcp4: true}\nx: &b \(name)b\n"
            + "bridges:\n  br9: {interfaces: [\(others)]}\n"
    }

    private static let configurations: [(text: String, problem: String)] = [
        (nearlyNamed(members: 30), "bridges/br9/interfaces: no link is named 'aaaaaaaaaa"),
        (nearlyNamed(members: 90), "invalid YAML: aliases repeat more than 4 MiB of text"),
        (
            "version: 2\nx: &r {to: 0.0.0.0/0, via: 10.0.0.1}\nethernets:\n  lan:\n    addresses: ["
                + (0..<9_000).map { "11.\($0 >> 8).\($0 & 255).1/24" }.joined(separator: ", ") + "]\n    routes: ["
                + Array(repeating: "*r", count: 12_000).joined(separator: ", ") + "]\n",
            "ethernets/lan/addresses: more than 256 items"
        ),
        (
            "version: 2\nethernets:\n" + (0..<5_000).map { "  a\($0): {dhcp4: true}\n" }.joined()
                + "bridges:\n  br9: {interfaces: ["
                + (0..<12_000).map { "b\($0)" }.joined(separator: ", ") + "]}\n",
            "ethernets/a512: more than 512 links of one kind"
        ),
    ]

    @Test(arguments: configurations) func `a network configuration whose parts would be compared with each other is soon refused`(
        text: String, problem: String
    ) throws {
        let found = try assembled("<network-config><![CDATA[\n\(text)]]></network-config>").findings
        #expect(found.contains { $0.weight == .unusable && $0.problem.hasPrefix(problem) }, "\(found.map(\.problem))")
    }

    @Test func `archives in archives are examined as far as an allowance goes`() throws {
        var text = "#cloud-config\nunknown: 1\n"
        for _ in 0..<4 {
            let indented = text.split(separator: "\n").map { "  \($0)\n" }.joined()
            text = "#cloud-config-archive\n- &x |\n\(indented)" + String(repeating: "- *x\n", count: 199)
        }
        let found = try assembled("<userdata><![CDATA[\n\(text)\n]]></userdata>").findings
        #expect(found.contains { $0.problem.hasSuffix("more problems are not listed") })
    }

    @Test func `a message with a long boundary and many lines is soon examined`() throws {
        let boundary = String(repeating: "b", count: 500_000)
        let text =
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"\(boundary)\"\n\n"
            + String(repeating: "\n", count: 500_000)
        let found = try assembled("<userdata><![CDATA[\(text)]]></userdata>").findings
        #expect(found.contains { $0.problem.contains("begins a part of the MIME message: cloud-init finds none") })
    }

    @Test func `where the values of thousands of parts and files come from is soon explained`() throws {
        let parts = (0..<20_000).map { "<userdata>#!\($0)</userdata>\n" }.joined()
        let files = (0..<9_000).map { "<file path='/\($0)'>x</file>" }.joined()
        let explained = try InstanceAssembly().explain(domain("\(parts)<files>\(files)</files>"))
        #expect(explained.values.count { $0.path == "userdata" } == 20_000)
        let keys = (0..<20_000).map { "<key format='f\($0)'>k</key>" }.joined()
        let name = String(repeating: "n", count: 2_000_000)
        let named = domain("<public-keys><public-key name='\(name)'>\(keys)</public-key></public-keys>")
        #expect(try InstanceAssembly().explain(named).values.contains { $0.path == "uuid" })
        #expect(explained.values.count { $0.path.hasPrefix("files/") && $0.text == "(1 byte)" } == 9_000)
    }

    @Test func `one bad domain does not affect others`() throws {
        let assembly = try InstanceAssembly()
        #expect(throws: DescriptionError.self) { try assembly.assemble(Array("<domain".utf8)) }
        #expect(throws: DescriptionError.self) { try assembly.assemble([0xFF, 0xFE]) }
        #expect(try assembly.assemble(domain()).instance.name == "web")
    }
}
