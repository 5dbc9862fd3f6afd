import Common
import Description
import Testing

/// What instances say whose operators have left it out.
struct InstanceDefaultsTests {
    private static func layer(_ values: [String: String], domain: String? = nil) throws -> InstanceDefaults.Layer {
        try InstanceDefaults.Layer(
            values.sorted { $0.key < $1.key }.map { .init(path: try ElementPath($0.key), value: Array($0.value.utf8)) },
            domain: domain)
    }

    private static func instance(_ defaults: InstanceDefaults, _ elements: String = "") throws -> Instance {
        let network = "<network><name>lab</name><bridge name='virbr7'/></network>"
        let assembly = try InstanceAssembly(networks: [Array(network.utf8)], defaults: defaults, readsBare: false)
        let devices = "<interface type='network'><mac address='52:54:00:00:00:02'/><source network='lab'/></interface>"
        return try assembly.assemble(domain(elements, devices: devices)).instance
    }

    @Test func `what the operator has left out comes from the defaults`() throws {
        let defaults = InstanceDefaults(
            all: try Self.layer([
                "placement/region": "eu", "placement/availability-zone": "eu-1", "project-id": "p",
                "public-keys/public-key[site]": "ssh-rsa AAAAB3NzaC1yc2EAAAAD", "tags/tag[env]": "test", "userdata": "#!/bin/sh",
                "vendordata": "{\"a\": 1}", "imds@tokens": "required", "image-id": "ami-1", "security-groups": "g",
            ]))
        let bare = try Self.instance(defaults)
        #expect(bare.launch.placement.map(\.value).sorted() == ["eu", "eu-1"])
        #expect(bare.launch.project == "p")
        #expect(bare.access.publicKeys.map(\.name) == ["site"])
        #expect(bare.documents.tags == [Tag("env", "test")])
        #expect(bare.documents.userData.map(Array.init) == Array("#!/bin/sh".utf8))
        #expect(bare.documents.vendorData != nil)
        #expect(bare.sessions.tokens == .required)
        #expect(bare.launch.images.image == "ami-1")
        #expect(bare.access.securityGroups == ["g"])
        let own = try Self.instance(
            defaults,
            "<placement><region>us</region></placement><project-id>q</project-id><userdata>x</userdata><imds hop-limit='2'/>"
                + "<public-keys><public-key name='own'><key>ssh-rsa B</key></public-key></public-keys>")
        #expect(Set(own.launch.placement.map { "\($0.name)=\($0.value)" }) == ["region=us", "availability-zone=eu-1"])
        #expect(own.launch.project == "q")
        #expect(own.access.publicKeys.map(\.name) == ["own"])
        #expect(own.documents.userData.map(Array.init) == Array("x".utf8))
        #expect(own.sessions.hopLimit == 2)
        #expect(own.sessions.tokens == .required)
    }

    @Test(arguments: ["lab", "virbr7", "br0"])
    func `those of a network or bridge come before those of all`(name: String) throws {
        let near = try Self.layer(["placement/region": "near"], domain: "near.example")
        let all = try Self.layer(["placement/region": "all", "project-id": "all"], domain: "all.example")
        let instance = try Self.instance(InstanceDefaults(all: all, networks: [LibvirtName(name): near]))
        #expect(instance.launch.placement == [Tag("region", "near")])
        #expect(instance.launch.project == "all")
        #expect(instance.hostname == "web.near.example")
        let elsewhere = try Self.instance(InstanceDefaults(all: all, networks: ["other": near]))
        #expect(elsewhere.launch.placement == [Tag("region", "all")])
        #expect(elsewhere.hostname == "web.all.example")
    }

    @Test func `a host name with a dot has its domain`() throws {
        let defaults = InstanceDefaults(all: try Self.layer([:], domain: "example"))
        #expect(try Self.instance(defaults, "<hostname>a.b</hostname>").hostname == "a.b")
        #expect(try Self.instance(defaults, "<hostname>a</hostname>").hostname == "a.example")
        #expect(try Self.instance(InstanceDefaults()).hostname == "web")
    }

    @Test(
        arguments: [
            (["hostname": "a"], nil, "hostname: <hostname> is per-instance and cannot be a default"),
            (["imds@tokens": "maybe"], nil, "imds@tokens: invalid value 'maybe' for tokens: expected optional or required"),
            (["vendordata": "{"], nil, "vendordata: "),
            (["hostname": "a"], "x y", "hostname: "),
            ([:], "x y", "domain: 'x y' is not a valid DNS domain (RFC 1123)"),
        ] as [([String: String], String?, String)])
    func `what cannot be used is named by its path`(values: [String: String], domain: String?, sentence: String) throws {
        let failure = #expect(throws: DefinitionFailure.self) { try Self.layer(values, domain: domain) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }
}
