import Foundation
import TestSupport
import Testing

/// What the doctor reports where a domain is not enabled, or only by its definition.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct DoctorEnablementTests {
    private func doctor(_ host: BridgedHost, _ arguments: String...) throws -> Command.Output {
        let own = ["-c", host.libvirtd.uri, "--run-directory", host.runDirectory]
        return try Command.run([MetadataServer.executable, "doctor"] + arguments + own, in: host.host.name)
    }

    @Test func `a bridge without an enabled domain is not served, which is a note with the command that changes it`() async throws
    {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0d:00:21", address: "192.0.2.10/24", isKnown: false)
        try host.start(web, metadata: "")
        try await host.serve("--intercept", "address", until: "no bridge is served")
        let all = try doctor(host)
        #expect(all.status == 0)
        #expect(all.stdout.hasSuffix("\ntest: not enabled\nweb: not enabled\n"), "\(all.stdout)")
        let page = try doctor(host, "web")
        #expect(page.status == 3)
        let expected = """
            network   note: bridge br0 is not served: no enabled domain is running on it
                      → virt-metadata -c '\(host.libvirtd.uri)' enable web
            firewall  skipped: no interface is on a bridge that is served
            port      skipped: no interface is on a bridge that is served
            request   skipped: no interface is on a bridge that is served

            """
        #expect(page.stdout.hasSuffix(expected), "\(page.stdout)")
        // Once it is enabled, the checks go on.
        let element = "<instance><instance-id>i-web</instance-id></instance>"
        try host.libvirtd.virsh(
            "metadata", "web", "urn:virt-metadata:instance:1", "--key", "vm", "--set", element, "--live")
        try await host.expect(web)
        let served = try doctor(host, "web").stdout
        for check in ["network   ok: br0\n", "firewall  ok", "port      ok", "request   ok"] {
            #expect(served.contains("\n\(check)"), "\(served)")
        }
    }

    @Test func `a tap that somebody plugged in is served where another domain names its bridge`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0d:00:41", address: "192.0.2.10/24", isKnown: false)
        let xml = """
            <domain type='test'><name>web</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid><memory unit='MiB'>64</memory>
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-web</instance-id></instance></metadata>
            <sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>
            <os><type>hvm</type><smbios mode='sysinfo'/></os><devices><interface type='ethernet'>
            <mac address='\(web.mac)'/><target dev='\(web.tap)' managed='no'/></interface></devices></domain>
            """
        try host.libvirtd.virsh("create", host.libvirtd.file("web.xml", xml))
        try await host.serve("--intercept", "address", until: "no bridge is served")
        let alone = try doctor(host, "web")
        let problem =
            "network   ERROR: bridge br0 of tap \(web.tap) is not served: an interface of type 'ethernet' does not name its bridge, "
        #expect(alone.stdout.contains(problem), "\(alone.stdout)")
        _ = try host.guest("db", mac: "52:54:00:0d:00:42", address: "192.0.2.11/24")
        try await host.expect(web)
        let served = try doctor(host, "web").stdout
        #expect(served.contains("\nnetwork   ok: br0\n"), "\(served)")
    }

    @Test func `metadata that only the definition has is an error, with the restart that fixes it`() async throws {
        let host = try BridgedHost()
        let xml = """
            <domain type='test'><name>web</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid><memory unit='MiB'>64</memory>
            <sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>
            <os><type>hvm</type><smbios mode='sysinfo'/></os></domain>
            """
        try host.libvirtd.virsh("define", host.libvirtd.file("web.xml", xml))
        try host.libvirtd.virsh("start", "web")
        let element = "<instance><instance-id>i-web</instance-id></instance>"
        try host.libvirtd.virsh(
            "metadata", "web", "urn:virt-metadata:instance:1", "--key", "vm", "--set", element, "--config")
        let page = try doctor(host, "web").stdout
        let virsh = "virsh -c '\(host.libvirtd.uri)'"
        let expected = """
            metadata  ERROR: the domain has not been restarted since its definition got <instance> metadata, so the running domain has none
                      → \(virsh) shutdown web; once it is shut off: \(virsh) start web

            """
        #expect(page.contains(expected), "\(page)")
        // Served from the definition, nothing is missing.
        #expect(try doctor(host, "web", "--use-persistent-metadata").stdout.contains("metadata  ok: "))
        try host.libvirtd.virsh("destroy", "web")
        try host.libvirtd.virsh("start", "web")
        #expect(try doctor(host, "web").stdout.contains("metadata  ok: all values are usable\n"))
    }
}
