import Foundation
import TestSupport
import Testing

/// Bridges that filter VLANs: what docs/networks.md says of them, and the doctor.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct DoctorVLANTests {
    /// Whether this kernel has CONFIG_BRIDGE_VLAN_FILTERING.
    private static let canFilter: Bool = {
        guard NetworkNamespace.isAvailable, let namespace = try? NetworkNamespace() else { return false }
        return (try? namespace.run("ip", "link", "add", "vlans", "type", "bridge", "vlan_filtering", "1")) != nil
    }()

    @Test(.enabled(if: canFilter, "needs a kernel whose bridges filter VLANs"))
    func `a guest in a VLAN is served by port, once the bridge itself is in its VLAN`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0d:00:31", address: "192.0.2.10/24")
        let db = try host.guest("db", mac: "52:54:00:0d:00:32", address: "192.0.2.11/24")
        try host.host.run("ip", "link", "set", "br0", "type", "bridge", "vlan_filtering", "1")
        try await host.serve("--intercept", "address")
        try await host.expect(web)
        try host.host.run("bridge", "vlan", "del", "dev", web.tap, "vid", "1")
        try host.host.run("bridge", "vlan", "add", "dev", web.tap, "vid", "193", "pvid", "untagged")
        #expect(try host.ask(web, seconds: 1).hasSuffix("000"), "the bridge is not in VLAN 193")
        let own = ["-c", host.libvirtd.uri, "--run-directory", host.runDirectory]
        let page = try Command.run([MetadataServer.executable, "doctor", "web"] + own, in: host.host.name).stdout
        let note =
            "network   note: bridge br0 filters VLANs: a guest's requests reach the server only if the bridge itself is in the guest's VLAN\n"
        let remedy = "bridge vlan add dev br0 vid VLAN self untagged"
        #expect(page.contains("\(note)          → bridge vlan show; sudo \(remedy)\n"), "\(page)")
        #expect(!page.contains("has seen no recent frame"))
        try host.host.run("sh", "-c", remedy.replacing("VLAN", with: "193"))
        try await host.expect(web)
        // Another VLAN's guest keeps its own.
        try await host.expect(db)
    }
}
