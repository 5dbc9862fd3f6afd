import Foundation
import TestSupport
import Testing

/// What the doctor says of a bridge that is not served because no domain on it is enabled.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct DoctorOptInTests {
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
}
