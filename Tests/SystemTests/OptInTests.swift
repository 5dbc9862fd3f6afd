import Foundation
import TestSupport
import Testing

/// Without a setting, the server touches a bridge while an enabled domain runs on it, and at no other time.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct OptInTests {
    private static let (mac, other) = ("52:54:00:0d:00:11", "52:54:00:0d:00:12")
    private static let namespace = "urn:virt-metadata:instance:1"

    /// A host with a bridge and a domain that is not enabled; the server runs. Besides it there is the domain of libvirt's test driver.
    private func bareHost() async throws -> (BridgedHost, BridgedHost.Guest) {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24", isKnown: false)
        try host.start(web, metadata: "")
        try await host.serve("--intercept", "address", until: "no bridge is served")
        return (host, web)
    }

    private func isUntouched(_ host: BridgedHost, _ bridge: String = "br0") throws -> Bool {
        try host.rules().isEmpty && !host.addresses(of: bridge).contains("169.254.169.254") && host.owned.isEmpty
    }

    private func status(_ host: BridgedHost, _ options: String...) throws -> Command.Output {
        try Command.run(
            [MetadataServer.executable, "status", "--run-directory", host.runDirectory] + options, in: host.host.name)
    }

    private func json(_ host: BridgedHost) throws -> [String: Any] {
        let output = try status(host, "-o", "json")
        return try #require(try JSONSerialization.jsonObject(with: Data(output.stdout.utf8)) as? [String: Any], "\(output)")
    }

    @Test func `an element that is set on a running domain makes its bridge served, and its removal ends that`() async throws {
        let (host, web) = try await bareHost()
        #expect(try isUntouched(host))
        #expect(try status(host).stdout.contains("No bridge served: no running domain is enabled"))
        #expect(try host.ask(web, seconds: 1) == " 000")
        let element = "<instance><instance-id>i-web</instance-id></instance>"
        try host.libvirtd.virsh("metadata", "web", Self.namespace, "--key", "vm", "--set", element, "--live")
        try await host.expect(web)
        #expect(host.log.contains(#"selected.by="domain web (<instance> element)""#), "\(host.log)")
        // A domain that is not enabled is matched and answered on a served bridge.
        let late = try host.guest("late", mac: Self.other, address: "192.0.2.11/24", isKnown: false)
        try host.start(late, metadata: "")
        try await host.expect(late, is: try host.instanceID(of: "late"))
        try host.libvirtd.virsh("metadata", "web", Self.namespace, "--remove", "--live")
        try await host.eventually("nothing is left") { try isUntouched(host) }
        #expect(try host.ask(late, seconds: 1) == " 000")
        #expect(host.log.contains("bridge no longer served: no enabled domain runs on it"))
        #expect(host.stop() == 0)
        #expect(try isUntouched(host))
        #expect(host.log.hasSuffix(" virt-metadata: stopped\n"))
    }

    @Test func `a bridge is served with the start of an enabled domain, and released with the stop of the last one`() async throws
    {
        let (host, web) = try await bareHost()
        let tables = "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>"
        try host.destroy("web")
        try host.start(web, metadata: "", tables: tables)
        try await host.expect(web, is: try host.instanceID(of: "web"))
        let late = try host.guest("late", mac: Self.other, address: "192.0.2.11/24")
        try await host.expect(late)
        try host.destroy("web")
        try await host.expect(late)
        #expect(try host.addresses(of: "br0").contains("169.254.169.254"), "the other domain is enabled")
        try host.destroy("late")
        try await host.eventually("nothing is left") { try isUntouched(host) }
        try host.start(web, metadata: "", tables: tables)
        try await host.expect(web, is: try host.instanceID(of: "web"))
    }

    @Test func `after a restart a bridge stays closed until its domain is known, and one without such a domain is closed`()
        async throws
    {
        let (host, web) = try await bareHost()
        let second = try host.guest("second", on: "br1", mac: Self.other, address: "192.0.2.10/24")
        try await host.expect(second)
        try host.destroy("web")
        try host.start(web)
        try await host.expect(web)
        #expect(host.stop() == 0)
        try host.destroy("web")
        try host.start(web, metadata: "")
        try await host.serve("--intercept", "address")
        try await host.expect(second)
        // An earlier server's packets may still be sent on it.
        #expect(try host.rules().contains(#""br0""#))
        #expect(try host.ask(web, seconds: 1) == " 000")
    }

    @Test func `all bridges, and listed ones, are served whether or not a domain is enabled`() async throws {
        for option in [["--network", "all"], ["--bridge", "br0"]] {
            let host = try BridgedHost()
            let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24", isKnown: false)
            try host.start(web, metadata: "")
            try await host.serve(option[0], option[1])
            try await host.expect(web, is: try host.instanceID(of: "web"))
            try host.destroy("web")
            try await host.eventually("the domain is gone") { try json(host)["guests"] as? Int == 1 }
            #expect(try host.addresses(of: "br0").contains("169.254.169.254"), "\(option)")
        }
    }

    // MARK: status

    @Test func `status shows each bridge, why it is served and since when, and its exit status whether the server is ready`()
        async throws
    {
        let (host, web) = try await bareHost()
        try host.destroy("web")
        try host.start(web)
        try await host.expect(web)
        let text = try status(host)
        #expect(text.status == 0)
        let row = try #require(text.stdout.split(separator: "\n").first { $0.hasPrefix("br0 ") }, "\(text)")
        #expect(row.contains("  served  domain web (<instance> element)  20"), "\(row)")
        #expect(text.stdout.contains("\nServing 1 bridge (br0), 2 guests known\n"), "\(text)")
        let document = try json(host)
        #expect(document["running"] as? Bool == true && document["ready"] as? Bool == true, "\(document)")
        #expect(document["guests"] as? Int == 2 && document["selection"] as? String == "enabled")
        #expect((document["hypervisors"] as? [[String: Any]])?.first?["uri"] as? String == host.libvirtd.uri)
        let bridges = try #require(document["bridges"] as? [[String: Any]])
        let bridge = try #require(bridges.first)
        #expect(bridges.count == 1 && bridge["name"] as? String == "br0" && bridge["served"] as? Bool == true)
        #expect(bridge["domain"] as? String == "web" && bridge["entry"] as? String == "<instance> element")
        #expect(bridge["setting"] is NSNull && bridge["enabled_domains"] as? Int == 1)
        let since = try #require(ISO8601DateFormatter().date(from: bridge["since"] as? String ?? ""))
        #expect((0..<60).contains(Date().timeIntervalSince(since)))
        let metrics = try Command.run(
            ["curl", "-s", "--unix-socket", host.runDirectory + "/admin.sock", "http://server/metrics"], in: host.host.name)
        #expect(metrics.stdout.contains("\nvirt_metadata_bridge_served{bridge=\"br0\"} 1\n"), "\(metrics)")
        host.stop()
        let ending = #" stopped: bridges stay closed to metadata requests bridge=br0 hint="to open them: virt-metadata cleanup""#
        #expect(host.log.hasSuffix(ending + "\n"), "\(host.log.suffix(500))")
        let stopped = try status(host)
        #expect(
            stopped.status == 1 && stopped.stdout.hasPrefix("server not running (no \(host.runDirectory)/admin.sock)"),
            "\(stopped)")
        let none = try json(host)
        #expect(none["running"] as? Bool == false && none["ready"] as? Bool == false)
    }
}
