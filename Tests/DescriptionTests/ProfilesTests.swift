import Common
import Description
import Testing

/// What profiles tell to the instances that name them.
struct ProfilesTests {
    private typealias Layer = InstanceDefaults.Layer

    /// Values with a line of the file each, from 11.
    private static func layer(
        _ kind: Layer.Kind, _ values: KeyValuePairs<String, String>, merge: ListMerge? = nil, domain: String? = nil
    ) throws -> Layer {
        var seen: Set<String> = []
        let all = try values.enumerated().map { number, value in
            SharedValue(
                try ElementPath(value.key), Array(value.value.utf8), adds: !seen.insert(value.key).inserted, line: 11 + number)
        }
        return Layer(kind, all, domain: domain.map { ($0, 99) }, merge: merge, file: "c.yaml", line: 10)
    }

    private static func profile(
        _ name: String, _ values: KeyValuePairs<String, String>, merge: ListMerge? = nil
    ) throws -> Layer {
        try layer(.profile(name), values, merge: merge)
    }

    private static func assembled(
        _ defaults: InstanceDefaults, _ elements: String, network: String = ""
    ) throws -> InstanceAssembly.Assembled {
        let network = "<network><name>lab</name>\(network)<bridge name='virbr7'/></network>"
        let assembly = try InstanceAssembly(networks: [Array(network.utf8)], defaults: defaults, readsBare: false)
        let devices = "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='lab'/></interface>"
        return try assembly.assemble(domain(elements, devices: devices))
    }

    private static func unusable(_ assembled: InstanceAssembly.Assembled) -> [String] {
        assembled.findings.filter { $0.weight == .unusable }.map { "\($0)" }
    }

    private static func problems(_ defaults: InstanceDefaults) -> [String] { defaults.profileFindings.map { "\($0)" } }

    // MARK: Precedence

    @Test func `later layers win: defaults, network, profiles in order, the element`() throws {
        let all = try Self.layer(
            .all, ["image-id": "all", "kernel-id": "all", "ramdisk-id": "all", "project-id": "all", "owner-id": "all"])
        let near = try Self.layer(
            .network("lab"), ["kernel-id": "near", "ramdisk-id": "near", "project-id": "near", "owner-id": "near"])
        let first = try Self.profile("first", ["ramdisk-id": "first", "project-id": "first", "owner-id": "first"])
        let second = try Self.profile("second", ["project-id": "second", "owner-id": "second"])
        let defaults = InstanceDefaults(all: all, networks: ["lab": near], profiles: [second, first])
        let result = try Self.assembled(
            defaults, "<profile>first</profile><owner-id>own</owner-id><profile>second</profile>")
        #expect(Self.unusable(result).isEmpty)
        let launch = result.instance.launch
        #expect(
            [launch.images.image, launch.images.kernel, launch.images.ramdisk, launch.project, launch.owner]
                == ["all", "near", "first", "second", "own"])
        // Without a name no profile applies.
        #expect(try Self.assembled(defaults, "").instance.launch.project == "near")
    }

    @Test func `defaults and networks name profiles, which are weaker than their own values`() throws {
        let defaults = InstanceDefaults(
            all: try Self.layer(.all, ["profile": "base", "kernel-id": "all"]),
            networks: ["lab": try Self.layer(.network("lab"), ["profile": "lab", "ramdisk-id": "near"])],
            profiles: [
                try Self.profile("base", ["image-id": "base", "kernel-id": "base", "ramdisk-id": "base"]),
                try Self.profile("lab", ["ramdisk-id": "lab", "project-id": "lab", "image-id": "lab"]),
            ])
        let launch = try Self.assembled(defaults, "").instance.launch
        #expect(
            [launch.images.image, launch.images.kernel, launch.images.ramdisk, launch.project] == ["lab", "all", "near", "lab"])
    }

    @Test func `the XML of a libvirt network names profiles for its guests`() throws {
        let defaults = InstanceDefaults(
            all: try Self.layer(.all, ["project-id": "all"]), profiles: [try Self.profile("lab", ["project-id": "lab"])])
        func metadata(_ elements: String) -> String {
            "<metadata><v:instance xmlns:v='urn:virt-metadata:instance:1'>\(elements)</v:instance></metadata>"
        }
        let named = try Self.assembled(defaults, "", network: metadata("<v:profile>lab</v:profile>"))
        #expect(named.instance.launch.project == "lab" && Self.unusable(named).isEmpty)
        let wrong = try Self.assembled(
            defaults, "", network: metadata("<v:profile>lap</v:profile><v:tags><v:tag name='a'>b</v:tag></v:tags>"))
        #expect(wrong.instance.launch.project == "all" && wrong.instance.documents.tags.isEmpty)
        #expect(
            Self.unusable(wrong) == [
                "line 1: devices/interface/source: the XML of the network 'lab' has <tags>: only <profile> applies to a network",
                "line 1: devices/interface/source: the XML of the network 'lab' names an unknown profile 'lap'; did you mean 'lab'?",
            ])
    }

    @Test func `the profiles of a network are looked up once for a domain, and advice is for some of them`() throws {
        let profiles = try (1...5).map { try Self.profile("webserver-\($0)", ["project-id": "lab"]) }
        let names = (0..<64).map { "<v:profile>webserver-x\($0)</v:profile>" }.joined()
        let networks = ["a", "b"].map { name in
            Array(
                "<network><name>\(name)</name><metadata><v:instance xmlns:v='urn:virt-metadata:instance:1'>\(names)</v:instance></metadata></network>"
                    .utf8)
        }
        let cards = (0..<200).map { number in
            let mac = "52:54:00:00:01:" + (number < 16 ? "0" : "") + String(number, radix: 16)
            return
                "<interface type='network'><mac address='\(mac)'/><source network='\(number % 2 == 0 ? "a" : "b")'/></interface>"
        }
        let assembly = try InstanceAssembly(networks: networks, defaults: InstanceDefaults(profiles: profiles), readsBare: false)
        let problems = try assembly.assemble(domain(devices: cards.joined())).findings.map(\.problem).filter {
            $0.contains("names an unknown")
        }
        #expect(problems.count == 128)
        #expect(problems.count { $0.contains("did you mean") } == 64)
    }

    @Test func `a profile builds on others, each once and below what builds on it`() throws {
        let part = { (name: String) in "#!/bin/sh\n# \(name)" }
        let defaults = InstanceDefaults(profiles: [
            try Self.profile("base", ["userdata": part("base"), "project-id": "base"], merge: .add),
            try Self.profile("a", ["profile": "base", "userdata": part("a"), "project-id": "a"], merge: .add),
            try Self.profile("b", ["profile": "base", "userdata": part("b")], merge: .add),
        ])
        let instance = try Self.assembled(defaults, "<profile>a</profile><profile>b</profile>").instance
        let text = String(decoding: try #require(instance.documents.userData), as: UTF8.self)
        #expect(text.matches(of: /# ([a-z]+)\n/).map { String($0.1) } == ["base", "a", "b"])
        #expect(instance.launch.project == "a")
    }

    // MARK: Lists

    @Test(
        arguments: [
            (nil, nil, "", ["b=2"]), (ListMerge.add, nil, "", ["a=1", "x=1", "b=2"]), (.replace, nil, "", ["b=2"]),
            (nil, "add", "", ["a=1", "x=1", "b=2"]), (.add, "replace", "", ["b=2"]),
            (.add, nil, "<tags merge='add'><tag name='x'>own</tag></tags>", ["a=1", "b=2", "x=own"]),
            (.add, nil, "<tags><tag name='x'>own</tag></tags>", ["x=own"]), (.add, nil, "<tags merge='replace'/>", []),
            (nil, nil, "<tags merge='add'><tag name='c'>3</tag></tags>", ["b=2", "c=3"]),
        ] as [(ListMerge?, String?, String, [String])])
    func `a list says whether it adds to the weaker ones or replaces them`(
        merge: ListMerge?, attribute: String?, own: String, tags: [String]
    ) throws {
        let all = try Self.layer(.all, ["tags/tag[a]": "1", "tags/tag[x]": "1"])
        let path = try ElementPath("tags@merge")
        let values =
            [SharedValue(try ElementPath("tags/tag[b]"), Array("2".utf8), line: 11)]
            + (attribute.map { [SharedValue(path, Array($0.utf8), line: 12)] } ?? [])
        let profile = Layer(.profile("p"), values, merge: merge, file: "c.yaml", line: 10)
        let instance = try Self.assembled(InstanceDefaults(all: all, profiles: [profile]), own + "<profile>p</profile>").instance
        #expect(instance.documents.tags.map { "\($0.name)=\($0.value)" } == tags)
    }

    @Test func `keys, groups and files add by their names, and parts of user data always`() throws {
        let key = "ssh-rsa AAAAB3NzaC1yc2EAAAAD"
        let all = try Self.layer(
            .all,
            [
                "public-keys/public-key[a]": "\(key) a", "public-keys/public-key[b]": "\(key) b", "security-groups": "g",
                "files/file[/a]": "weak", "userdata": "#!/bin/sh",
            ])
        let elements =
            "<public-keys merge='add'><public-key name='b'><key>\(key) own</key></public-key></public-keys>"
            + "<security-groups merge='add'><group>h</group><group>g</group></security-groups>"
            + "<files merge='add'><file path='/a'>own</file><file path='/b'>b</file></files>"
            + "<userdata merge='add'>#!/bin/sh</userdata>"
        let instance = try Self.assembled(InstanceDefaults(all: all), elements).instance
        #expect(instance.access.publicKeys.map { "\($0.name) \($0.formats[0].value.suffix(3))" } == ["a D a", "b own"])
        #expect(instance.access.securityGroups == ["h", "g"])
        #expect(instance.documents.files.map(\.path) == ["/a", "/b"])
        #expect(instance.documents.files.first?.content == Array("own".utf8))
        #expect(instance.documents.userData.map { String(decoding: $0, as: UTF8.self).matches(of: /#!\/bin\/sh/).count } == 2)
    }

    // MARK: Interfaces

    @Test func `interfaces are told by their network or all together, and their own values win`() throws {
        let defaults = InstanceDefaults(
            networks: ["lab": try Self.layer(.network("lab"), ["interfaces/interface[*]/mtu": "1300"])],
            profiles: [
                try Self.profile(
                    "p",
                    [
                        "interfaces/interface[*]/dns": "192.0.2.53", "interfaces/interface[*]/mtu": "1400",
                        "interfaces/interface[lab]/search": "lab.example", "interfaces/interface[br0]/ipv6": "slaac",
                        "interfaces/interface[lab]/route[198.51.100.0/24]@via": "192.0.2.1",
                    ])
            ])
        let own = "<interfaces><interface mac='52:54:00:00:00:01'><mtu>1500</mtu></interface></interfaces>"
        let result = try Self.assembled(defaults, "<profile>p</profile>" + own)
        #expect(Self.unusable(result).isEmpty)
        let (first, second) = (result.instance.interfaces[0], result.instance.interfaces[1])
        #expect(first.mtu == 1500 && second.mtu == 1400)
        #expect([first, second].allSatisfy { $0.configuration.nameServers.map(\.description) == ["192.0.2.53"] })
        #expect(first.configuration.searchDomains == [] && second.configuration.searchDomains == ["lab.example"])
        #expect(first.configuration.ipv6 == .slaac && second.configuration.ipv6 == nil)
        #expect(second.configuration.routes.map { "\($0.destination)" } == ["198.51.100.0/24"])
        let others = try Self.assembled(defaults, "").instance.interfaces
        #expect(others.map(\.mtu) == [nil, 1300])
    }

    @Test(
        arguments: [
            (
                "interfaces/interface[52:54:00:00:00:01]/mtu", "1400",
                "the MAC address '52:54:00:00:00:01' belongs to one instance"
            ),
            ("interfaces/interface[*]/address", "192.0.2.1/24", "<address> is per-instance and cannot be shared"),
            ("interfaces/bond[b]@mode", "802.3ad", "a bond belongs to one instance and cannot be shared"),
            ("interfaces/interface[*]/mtu", "1", "invalid MTU '1'"),
        ] as [(String, String, String)]) func `what only one interface can have is rejected`(
            path: String, value: String, sentence: String
        ) throws
    {
        let layer = Layer(
            .profile("p"), [SharedValue(try ElementPath(path), Array(value.utf8), line: 12)], file: "c.yaml", line: 10)
        let problems = Self.problems(InstanceDefaults(profiles: [layer]))
        #expect(problems.count == 1 && problems[0].hasPrefix("c.yaml:12: profiles: p: \(path): \(sentence)"), "\(problems)")
    }

    // MARK: Mistakes

    @Test func `an unusable value costs itself, with its line and file, for every instance of the profile`() throws {
        let defaults = InstanceDefaults(profiles: [
            try Self.profile(
                "p",
                [
                    "imds@hop-limit": "65", "tags/tag[good]": "1", "hostname": "x", "public-keys/public-key[a]": "no key",
                    "vendordata": "{",
                ])
        ])
        let expected = [
            "c.yaml:11: profiles: p: imds@hop-limit: invalid value '65' for hop-limit: expected an integer from 1 to 64",
            "c.yaml:13: profiles: p: hostname: <hostname> is per-instance and cannot be a default",
            "c.yaml:14: profiles: p: public-keys/public-key[a]/key: invalid public key: expected OpenSSH's format",
            "c.yaml:15: profiles: p: vendordata: invalid JSON: ",
        ]
        let result = try Self.assembled(defaults, "<profile>p</profile>")
        for problems in [Self.problems(defaults), Self.unusable(result)] {
            #expect(problems.count == 4 && zip(problems, expected).allSatisfy { $0.hasPrefix($1) }, "\(problems)")
        }
        #expect(result.instance.documents.tags == [Tag("good", "1")] && result.instance.hostname == "web")
        #expect(Self.unusable(try Self.assembled(defaults, "")).isEmpty)
    }

    @Test func `a profile that includes itself loses that name alone`() throws {
        let defaults = InstanceDefaults(profiles: [
            try Self.profile("a", ["profile": "b", "tags/tag[a]": "1"], merge: .add),
            try Self.profile("b", ["profile": "c", "tags/tag[b]": "1"], merge: .add),
            try Self.profile("c", ["profile": "a", "tags/tag[c]": "1"], merge: .add),
            try Self.profile("self", ["profile": "self", "tags/tag[self]": "1"]),
        ])
        #expect(
            Self.problems(defaults) == [
                "c.yaml:11: profiles: c: profile: the profile includes itself: a → b → c → a",
                "c.yaml:11: profiles: self: profile: the profile includes itself",
            ])
        let tags = { (name: String) in
            try Self.assembled(defaults, "<profile>\(name)</profile>").instance.documents.tags.map(\.name)
        }
        #expect(try tags("a") == ["c", "b", "a"])
        #expect(try tags("c") == ["c"])
        #expect(try tags("self") == ["self"])
    }

    @Test func `an unknown profile is named where it is written`() throws {
        let defaults = InstanceDefaults(
            all: try Self.layer(.all, ["profile": "bse"]),
            profiles: [
                try Self.profile("base", ["tags/tag[x]": "1"]), try Self.profile("web", ["profile": "nothing like it"]),
            ])
        #expect(
            Self.problems(defaults) == [
                "c.yaml:11: defaults: profile: unknown profile 'bse'; did you mean 'base'?",
                "c.yaml:11: profiles: web: profile: unknown profile 'nothing like it'; expected one of base, web",
            ])
        let result = try Self.assembled(defaults, "\n<profile>wbe</profile><profile>base</profile>")
        #expect(result.instance.documents.tags == [Tag("x", "1")])
        #expect(
            Self.unusable(result).first == "line 2: profile: unknown profile 'wbe'; did you mean 'web'?")
        let none = try Self.assembled(InstanceDefaults(), "<profile>web</profile>")
        #expect(Self.unusable(none) == ["line 1: profile: unknown profile 'web'; the configuration file has no profiles"])
        #expect(Self.unusable(try Self.assembled(.unread, "<profile>web</profile>")).isEmpty)
    }

    @Test func `the value of EC2's path of that name is still taken, with a note`() throws {
        let result = try Self.assembled(InstanceDefaults(), "<profile>default-hvm</profile>")
        #expect(result.instance.documents.verbatim["profile"] == "default-hvm")
        let note = "line 1: profile: note: <profile> names a profile of the configuration; for EC2's path 'profile' write"
        #expect(result.findings.map { "\($0)" }.contains { $0.hasPrefix(note) })
        let today = try Self.assembled(InstanceDefaults(), "<ec2-profile>default-x</ec2-profile><profile>default-y</profile>")
        #expect(today.instance.documents.verbatim["profile"] == "default-x")
        let named = InstanceDefaults(profiles: [try Self.profile("default-web", ["project-id": "p"])])
        #expect(try Self.assembled(named, "<profile>default-web</profile>").instance.launch.project == "p")
    }

    // MARK: Bounds

    @Test func `an instance names at most sixty-four profiles, each once`() throws {
        let defaults = InstanceDefaults(
            profiles: try (1...70).map { try Self.profile("p\($0)", ["tags/tag[\($0)]": "1"], merge: .add) })
        let names = (1...70).map { "<profile>p\($0)</profile>" }.joined()
        let result = try Self.assembled(defaults, names)
        #expect(result.instance.documents.tags.count == 64)
        #expect(Self.unusable(result).first == "line 1: profile: more than 64 profiles; the first 64 are used")
        let twice = try Self.assembled(defaults, "<profile>p1</profile><profile>p1</profile>")
        #expect(Self.unusable(twice) == ["line 1: profile: duplicate profile 'p1'; the first one is used"])
    }

    @Test func `a profile consists of at most sixty-four`() throws {
        var profiles = [try Self.profile("p0", ["tags/tag[0]": "1"], merge: .add)]
        for number in 1...70 {
            profiles.append(
                try Self.profile("p\(number)", ["profile": "p\(number - 1)", "tags/tag[\(number)]": "1"], merge: .add))
        }
        let defaults = InstanceDefaults(profiles: profiles.reversed())
        let problem = "'p63' is ignored: with it, this profile would build on more than 64 profiles"
        #expect(Self.problems(defaults) == ["c.yaml:11: profiles: p64: profile: \(problem)"])
        #expect(try Self.assembled(defaults, "<profile>p63</profile>").instance.documents.tags.count == 64)
        #expect(try Self.assembled(defaults, "<profile>p70</profile>").instance.documents.tags.count == 7)
    }
}
