import TestSupport
import Testing

/// Commands on all domains, of which libvirt cannot describe one.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct UnreadableDomainTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
        try domains.define(count: 3)
        // Each '>' is four bytes in what libvirt prints: more than it sends.
        let swelling = String(repeating: ">", count: 1_200_000)
        try Command.succeed(
            ["virsh", "--quiet", "--connect", domains.libvirtd.uri],
            input: "metadata web2 urn:example:large --key large --config --set '<x>\(swelling)</x>'\n")
    }

    @Test func `list names it, and lists the others`() async throws {
        for format in ["table", "json"] {
            let output = try await domains.run("list", "-o", format)
            #expect(output.status == 1)
            #expect(output.stdout.contains("web1") && output.stdout.contains("web3"), "\(output)")
            #expect(output.stderr.contains("virt-metadata: web2: cannot read the domain: "), "\(output)")
        }
        let names = try await domains.succeed("list", "--names")
        #expect(names.stdout.contains("web2\n"))
    }

    @Test func `check names it, and checks the others`() async throws {
        let output = try await domains.run("check")
        #expect(output.status == 1)
        #expect(output.stdout.contains("web1: OK\n") && output.stdout.contains("web3: OK\n"), "\(output)")
        #expect(output.stderr.contains("virt-metadata: web2: cannot read the domain: "), "\(output)")
    }
}

/// Commands where an active network cannot be read: libvirt cannot describe it, or the program cannot use what libvirt says.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct UnreadableNetworkTests {
    enum Kind: CaseIterable {
        case large, deep

        var xml: String {
            switch self {
            case .large: LargeNetwork.xml(named: "bad", bridge: "virbr8")
            case .deep: DeepNetwork.xml(named: "bad", bridge: "virbr8")
            }
        }
    }

    private static let domain = """
        <domain type='test'><name>web</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid><memory>65536</memory><os><type>hvm</type></os>
        <devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='bad'/></interface></devices></domain>
        """

    private func domains(_ kind: Kind) throws -> EditedDomains {
        let domains = try EditedDomains()
        let libvirtd = domains.libvirtd
        try libvirtd.virsh("net-create", libvirtd.file("bad.xml", kind.xml))
        try libvirtd.virsh("create", libvirtd.file("web.xml", Self.domain))
        return domains
    }

    @Test(arguments: Kind.allCases) func `commands name it, and go on without it`(_ kind: Kind) async throws {
        let domains = try domains(kind)
        for (arguments, expected) in [
            (["list"], "web"), (["check"], "web: OK\n"), (["tree", "web"], "/latest/meta-data/"),
            (["set", "web", "hostname=www", "--live"], "www"),
        ] {
            let output = try await domains.run(arguments)
            #expect(output.status == 0 && output.stdout.contains(expected), "\(output)")
            #expect(output.stderr.hasPrefix("virt-metadata: cannot read network 'bad': "), "\(output)")
        }
    }

    @Test(arguments: Kind.allCases)
    func `the doctor says that it cannot be read, and not that it is not active`(_ kind: Kind) async throws {
        let domains = try domains(kind)
        let output = try await domains.run("doctor", "web")
        #expect(output.status == 3)
        #expect(output.stdout.contains("cannot read network 'bad' of interface 52:54:00:00:00:01: "), "\(output)")
        #expect(output.stdout.contains("net-dumpxml bad"), "\(output)")
        #expect(!output.stdout.contains("'bad' of interface 52:54:00:00:00:01 is not active"), "\(output)")
        let host = try await domains.run("doctor")
        #expect(host.stdout.contains("cannot read network 'bad': "), "\(host)")
    }
}
