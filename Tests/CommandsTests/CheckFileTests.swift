import Foundation
import TestSupport
import Testing

/// `check` of files: user data, networks, and several files at once.
struct CheckFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "check-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func run(_ line: String) async throws -> Command.Output {
        try await Program.shell("cd '\(folder.path)'; vm=$virt_metadata; \(line)")
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    private func domain(_ elements: String, name: String = "web", uuid: String = "") -> String {
        """
        <domain type='kvm'><name>\(name)</name>\(uuid)<os><type>hvm</type></os>
        <metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1'>
        \(elements)
        </vm:instance></metadata>
        <devices><interface type='network'><mac address='52:54:00:00:00:01'/><source network='n1'/></interface></devices></domain>
        """
    }

    @Test func `user data that cloud-init ignores is a warning, with exit status 0 and a note in the JSON`() async throws {
        try write("web.xml", domain("<vm:userdata>#cloud-config&#10;users:&#10;&#9;- name: a</vm:userdata>"))
        let output = try await run("\"$vm\" check web.xml; echo $?; \"$vm\" check -o json web.xml")
        let lines = output.stdout.split(separator: "\n")
        #expect(lines.first == "web.xml: line 1: uuid: note: missing: libvirt generates one", "\(output)")
        let warning =
            "web.xml: line 3: userdata: warning: cloud-init ignores this user data: line 3 of the text: invalid YAML: "
        #expect(lines.dropFirst().first?.hasPrefix(warning) == true, "\(output)")
        #expect(lines.dropFirst(2).prefix(2) == ["web.xml: 1 warning; all values are served", "0"])
        #expect(
            output.stdout.contains("\"element\":\"userdata\",\"result\":\"note\"")
                || output.stdout.contains("\"result\": \"note\""), "\(output)")
    }

    @Test func `notes alone are OK`() async throws {
        try write("web.xml", domain("<vm:userdata>#cloud-config&#10;pakages: [htop]&#10;</vm:userdata>"))
        let output = try await run("\"$vm\" check web.xml; echo $?")
        #expect(output.stdout.contains("web.xml: line 3: userdata: note: line 2 of the text: "), "\(output)")
        #expect(output.stdout.hasSuffix("web.xml: OK\n0\n"), "\(output)")
    }

    @Test func `a malformed UUID is an error`() async throws {
        try write("web.xml", domain("", uuid: "<uuid>12</uuid>"))
        let output = try await run("\"$vm\" check web.xml")
        #expect(output.status == 1)
        #expect(output.stdout == "web.xml: line 1: the domain has no usable <uuid>\n")
    }

    @Test func `a file of network XML is checked, and used for the domains`() async throws {
        try write(
            "n1.xml",
            """
            <network><name>n1</name><forward mode='nat'/><bridge name='virbr9'/>\n<ip address='192.0.2.1' prefix='33\
            '/></network>
            """)
        try write("n2.xml", "<network><name>n1</name><forward mode='hostdev'><pf dev='eth3'/></forward></network>")
        try write("web.xml", domain("", uuid: "<uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>"))
        let bad = try await run("\"$vm\" check n1.xml")
        #expect(bad.status == 1, "\(bad)")
        #expect(bad.stdout.contains("n1.xml: line 2: ip: "), "\(bad)")
        let both = try await run("\"$vm\" check web.xml n2.xml")
        #expect(both.status == 0, "\(both)")
        #expect(both.stdout.contains("is on the network 'n1', which has no bridge"), "\(both)")
        #expect(both.stdout.hasSuffix("web.xml: OK\nn2.xml: OK\n"))
        let broken = try await run("echo '<network/>' | \"$vm\" check -")
        #expect(broken.status == 1)
        #expect(broken.stdout.hasPrefix("-: line 1: "), "\(broken)")
    }

    @Test func `two domains with one instance-id are noted`() async throws {
        for (name, digit) in [("a", "1"), ("b", "2"), ("c", "3")] {
            let id = name == "c" ? "i-c" : "i-0123456789abcdef0"
            try write(
                "\(name).xml",
                domain(
                    "<vm:instance-id>\(id)</vm:instance-id>", name: name,
                    uuid: """
                        <uuid>83679162-1378-4288-a2d4-70e13ec132a\(digit)</uuid>
                        """))
        }
        let output = try await run("\"$vm\" check a.xml b.xml c.xml")
        #expect(output.status == 0)
        #expect(
            output.stdout.contains(
                """
                a.xml: line 1: instance-id: note: the instance-id 'i-0123456789abcdef0' is that of domain 'b' too
                """), "\(output)")
        #expect(output.stdout.contains("b.xml: line 1: instance-id: note: "))
        #expect(!output.stdout.contains("c.xml: line"))
    }

    @Test func `set and enable print the notes that they add, once, and write the values`() async throws {
        try write("in.xml", domain("<vm:hostname>web</vm:hostname>"))
        try write("user-data", "# cloud-config\n")
        let line = "\"$vm\" enable --xml --user-data user-data --set 'tags/tag[a/b]=1' in.xml > out.xml"
        let enabled = try await run(line + " && \"$vm\" set --xml out.xml name=x > /dev/null")
        #expect(enabled.status == 0, "\(enabled)")
        let lines = enabled.stderr.split(separator: "\n")
        #expect(lines.count == 2, "\(enabled)")
        let warning = "in.xml: warning: userdata: cloud-init ignores this user data: line 1 of the text: misspelt header"
        #expect(lines.contains { $0.hasPrefix(warning) })
        #expect(lines.contains { $0.hasPrefix("in.xml: note: tags/tag: the EC2 tree does not show 'a/b'") })
    }

    @Test(arguments: [
        "userdata=@web.yaml", "userdata=file://web.yaml", "files/file[/etc/motd]=@web.yaml",
        "public-keys/public-key[a]=@web.yaml",
    ])
    func `a value that names a file is refused, with the option that reads it`(value: String) async throws {
        try write("in.xml", domain(""))
        let output = try await run("\"$vm\" set --xml in.xml '\(value)'")
        #expect(output.status == 1)
        #expect(output.stdout.isEmpty)
        #expect(output.stderr.contains("would be written as it is; to read the file: --file "), "\(output)")
        #expect(output.stderr.contains("=web.yaml"))
    }

    @Test func `key files with tabs, a byte order mark or UTF-16`() async throws {
        let key = "ssh-ed25519\tAAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\tme\n"
        try write("in.xml", domain(""))
        try write("tabs.pub", key)
        try write("bom.pub", "\u{FEFF}" + key)
        try Data([0xFF, 0xFE] + key.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }).write(
            to: folder.appending(path: "wide.pub"))
        for name in ["tabs.pub", "bom.pub"] {
            let output = try await run("\"$vm\" enable --xml --ssh-key \(name) in.xml")
            #expect(output.status == 0, "\(output)")
            #expect(output.stdout.contains("<vm:public-key name='me'>"), "\(output)")
        }
        let wide = try await run("\"$vm\" enable --xml --ssh-key wide.pub in.xml")
        #expect(wide.status == 1)
        #expect(wide.stderr.contains("wide.pub: UTF-16 text: expected UTF-8"), "\(wide)")
    }
}
