import Foundation
import TestSupport
import Testing

/// What `enable` and `disable` do for a running guest, which sees new SMBIOS tables only after a stop and a start.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct RestartTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
    }

    /// The command in a hint: the rest of the line after its last colon and blank.
    private func hint(in output: Command.Output) throws -> String {
        let line = try #require(output.stderr.split(separator: "\n").last { $0.contains("restart needed: ") })
        let start = try #require(line.range(of: "): ", options: .backwards)?.upperBound)
        return String(line[start...])
    }

    @Test func `a running domain gets values at once, and the printed command restarts it`() async throws {
        try domains.define(start: true)
        let output = try await domains.succeed("enable", "web", "--hostname", "a.example")
        #expect(output.stderr.contains("web: running domain updated; the new values are served from now on\n"))
        #expect(try domains.running().contains("a.example"))
        #expect(try !domains.running().contains("OpenStack Nova"))
        // A second run reports it too, and nothing else.
        let again = try await domains.succeed("enable", "web", "--hostname", "a.example")
        #expect(again.stderr.hasPrefix("web: no changes\nweb: restart needed: "), "\(again)")
        let command = try hint(in: again)
        #expect(command == "virt-metadata -c '\(domains.libvirtd.uri)' enable web --restart")
        let restarted = try await domains.shell(command.replacing("virt-metadata ", with: "\"$vm\" ", maxReplacements: 1))
        #expect(restarted.status == 0, "\(restarted)")
        #expect(restarted.stderr.hasSuffix("web: restarted with the new SMBIOS tables\n"), "\(restarted)")
        #expect(try domains.running().contains("OpenStack Nova"))
        #expect(try domains.libvirtd.virsh("domstate", "web").contains("running"))
        #expect(try await !domains.succeed("enable", "web", "--hostname", "b.example").stderr.contains("restart"))
    }

    @Test func `disable restarts too, and a dry run restarts nothing`() async throws {
        try domains.define()
        try await _ = domains.succeed("enable", "web")
        try domains.libvirtd.virsh("start", "web")
        let id = try domains.libvirtd.virsh("domid", "web")
        let dry = try await domains.report("disable", "web", "--restart", "--dry-run")
        #expect(dry["needs_restart"] as? Bool == true)
        #expect(dry["restarted"] as? Bool == false)
        let would = "the domain would be restarted, so that the running guest sees the new SMBIOS tables"
        #expect(dry["notes"] as? [String] == [would])
        let without = try await domains.report("disable", "web", "--dry-run")
        #expect(without["notes"] as? [String] == ["a restart is needed before the running guest sees the new SMBIOS tables"])
        #expect(try domains.libvirtd.virsh("domid", "web") == id)
        let report = try await domains.report("disable", "web", "--restart")
        #expect(report["needs_restart"] as? Bool == false)
        #expect(report["restarted"] as? Bool == true)
        #expect(try !domains.running().contains("OpenStack Nova"))
        #expect(try domains.libvirtd.virsh("domid", "web") != id)
        let more = try await domains.succeed("disable", "web", "--restart")
        #expect(more.stderr.hasSuffix("web: no changes\nweb: no restart needed\n"), "\(more)")
    }

    @Test func `a domain that does not run is not started`() async throws {
        try domains.define()
        let report = try await domains.report("enable", "web", "--restart")
        #expect(report["restarted"] as? Bool == false)
        #expect(try domains.libvirtd.virsh("domstate", "web").contains("shut off"))
        #expect(try await domains.run("enable", "web", "--timeout", "5").status == 2)
        #expect(try await domains.run("enable", "web", "--restart", "--timeout", "0").status == 2)
    }

    @Test(.enabled(if: PrivateLibvirtd.obstacle(to: .qemu) == nil, "needs QEMU"), .timeLimit(.minutes(2)))
    func `a guest that does not shut down in time keeps running, and the report says what to do`() async throws {
        let libvirtd = try PrivateLibvirtd(driver: .qemu)
        // Its firmware finds no disk, and ignores the power button.
        let xml = """
            <domain type='qemu'><name>deaf</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os>
            <features><acpi/></features><devices/></domain>
            """
        try libvirtd.virsh("define", libvirtd.file("deaf.xml", xml))
        try libvirtd.virsh("start", "deaf")
        let output = try await Program.run(
            "enable", "deaf", "--restart", "--timeout", "2", "--connect", libvirtd.uri, limit: .seconds(60))
        #expect(output.status == 1)
        #expect(output.stderr.contains("virt-metadata: deaf: the guest did not shut down within 2 s"), "\(output)")
        #expect(output.stderr.contains("virsh -c '\(libvirtd.uri)' destroy deaf`"), "\(output)")
        #expect(try libvirtd.virsh("domstate", "deaf").contains("running"))
        #expect(try libvirtd.virsh("dumpxml", "--inactive", "deaf").contains("OpenStack Nova"))
    }
}
