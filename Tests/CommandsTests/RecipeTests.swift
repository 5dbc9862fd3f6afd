import Foundation
import TestSupport
import Testing

/// Recipes with tools that make domains: the commands and files of the pages, run as they are there.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct RecipeTests {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB operator@example"
    private static let userData = "#cloud-config\npackages: [htop]\nfinal_message: '<done> & gone'\n"

    private let libvirtd: PrivateLibvirtd
    private let connection: StandingConnection
    private var home: String { libvirtd.directory + "/home" }

    init() throws {
        libvirtd = try PrivateLibvirtd()
        connection = try StandingConnection(to: libvirtd.uri)
        try FileManager.default.createDirectory(atPath: home + "/.ssh", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: home + "/virt-metadata", withDestinationPath: Program.path)
        _ = try libvirtd.file("home/.ssh/id_ed25519.pub", Self.key + "\n")
        _ = try libvirtd.file("home/web.yaml", Self.userData)
    }

    /// The first block of a recipe that begins with these characters.
    private static func block(of recipe: String, from start: String) throws -> String {
        let page = URL(filePath: #filePath).appending(path: "../../../docs/recipes/\(recipe)").standardized
        let blocks = try String(contentsOf: page, encoding: .utf8).split(separator: "\n```")
        let block = blocks.compactMap { part in part.range(of: "\n" + start).map { part[$0.lowerBound...].dropFirst() } }.first
        return String(try #require(block)) + "\n"
    }

    /// Runs a shell's lines as an operator with a home directory would.
    private func shell(_ lines: String) throws -> Command.Output {
        let environment = [
            "env", "-i", "HOME=\(home)", "PATH=\(home):/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
            "LIBVIRT_DEFAULT_URI=\(libvirtd.uri)",
        ]
        return try Command.run(environment + ["bash", "-c", "set -eo pipefail; cd; \(lines)"], limit: .seconds(60))
    }

    private func read(_ path: String, by domain: String) throws -> String {
        let output = try shell("virt-metadata tree '\(domain)' --path '\(path)'")
        #expect(output.status == 0, "\(output.stderr)")
        return output.stdout
    }

    private func expectValues(of domain: String) throws {
        #expect(try read("/latest/meta-data/hostname", by: domain) == "web")
        #expect(try read("/latest/meta-data/public-keys/0/openssh-key", by: domain).hasPrefix(Self.key))
        #expect(try read("/latest/user-data", by: domain) == Self.userData)
        let listed = try shell("virt-metadata list -o json")
        #expect(listed.stdout.contains("\"identity\": \"openstack\""), "\(listed.stdout)\(listed.stderr)")
    }

    @Test func `virt-install's XML goes through the filter to virsh`() throws {
        let disk = try libvirtd.file("home/web.qcow2", "")
        let commands = try Self.block(of: "virt-install.md", from: "virt-install --name web ")
        #expect(commands.contains("| virt-metadata enable --xml "))
        let output = try shell(commands.replacing("/var/lib/libvirt/images/web.qcow2", with: disk))
        #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
        #expect(output.stdout.contains("Domain 'web' defined from /dev/stdin"), "\(output.stdout)")
        try expectValues(of: "web")
    }

    @Test func `Terraform's stylesheet writes what the filter writes`() throws {
        let stylesheet = try Self.block(of: "terraform.md", from: "<xsl:stylesheet ")
        let filled = stylesheet.replacing("${hostname}", with: "web").replacing("${ssh_key}", with: Self.key)
            .replacing("${user_data}", with: Data(Self.userData.utf8).base64EncodedString())
        #expect(!filled.contains("${"))
        _ = try libvirtd.file("home/web.xsl", filled)
        // As the provider writes a domain.
        _ = try libvirtd.file(
            "home/web.xml",
            """
            <domain type='test'><name>web</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid><metadata><x xmlns='urn:other'/></metadata><memory>65536</memory>
            <os><type>hvm</type><boot dev='hd'/></os><devices/></domain>
            """)
        let output = try shell(
            """
            xsltproc web.xsl web.xml >styled.xml
            virt-metadata check styled.xml
            virsh define styled.xml
            virsh dumpxml --inactive web >defined.xml
            virsh start web
            virt-metadata enable --xml --ssh-key .ssh/id_ed25519.pub --hostname web --user-data web.yaml <web.xml >filtered.xml
            """)
        #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
        try expectValues(of: "web")
        let (defined, filtered) = (try text("defined.xml"), try text("filtered.xml"))
        #expect(defined.contains("urn:other"))
        for part in [
            #/<smbios mode=['"]sysinfo['"]\/>/#, #/<sysinfo type=['"]smbios['"]>/#,
            #/<entry name=['"]product['"]>OpenStack Nova</#,
        ] {
            #expect(defined.contains(part) && filtered.contains(part), "\(defined)\(filtered)")
        }
    }

    private func text(_ name: String) throws -> String { try String(contentsOfFile: home + "/" + name, encoding: .utf8) }
}
