import Foundation
import TestSupport
import Testing

/// One fault at a time on a host without others: the doctor names it first, with the remedy.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct DoctorTests {
    private static let mac = "52:54:00:0d:00:01"

    /// The parts of a domain that the tests vary.
    private struct Domain {
        var instance = "<instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-web</instance-id></instance>"
        var tables = """
            <sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>
            """
        var mode = "<smbios mode='sysinfo'/>"
        var source = "bridge='br0'"

        func xml(_ guest: BridgedHost.Guest) -> String {
            """
            <domain type='test'><name>\(guest.name)</name><uuid>6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d</uuid>
            <metadata>\(instance)</metadata><memory unit='MiB'>64</memory>\(tables)<os><type>hvm</type>\(mode)</os>
            <devices><interface type='bridge'>
              <mac address='\(guest.mac)'/><source \(source)/><target dev='\(guest.tap)'/>
            </interface></devices></domain>
            """
        }
    }

    /// A host with a guest that is served.
    private static func host(_ domain: Domain = Domain(), _ options: String...) async throws -> (BridgedHost, BridgedHost.Guest) {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: mac, address: "192.0.2.10/24", isKnown: false)
        try host.libvirtd.virsh("create", host.libvirtd.file("web.xml", domain.xml(web)))
        try await host.serve("--intercept", "address", options.first ?? "--guard", options.last ?? "on")
        return (host, web)
    }

    private static func doctor(_ host: BridgedHost, _ arguments: String..., uri: String? = nil) throws -> Command.Output {
        let own = ["--connect", uri ?? host.libvirtd.uri, "--run-directory", host.runDirectory]
        return try Command.run([MetadataServer.executable, "doctor"] + arguments + own, in: host.host.name)
    }

    /// The first error, as `check ERROR: problem`.
    private static func first(_ host: BridgedHost, uri: String? = nil) throws -> (line: String, remedy: String, status: Int32) {
        let output = try doctor(host, "web", uri: uri)
        let lines = output.stdout.split(separator: "\n").map(String.init)
        let wrong = lines.firstIndex { $0.contains(" ERROR: ") || $0.contains(" warning: ") }
        guard let wrong else { return (output.stdout, "", output.status) }
        return (lines[wrong], lines.dropFirst(wrong + 1).first ?? "", output.status)
    }

    @Test func `without faults each check passes`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        let output = try Self.doctor(host, "web")
        #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
        for check in ["libvirt", "domain", "server", "smbios", "metadata", "network", "firewall", "port", "request"] {
            #expect(output.stdout.contains(try Regex("(^|\n)\(check) +ok")), "\(check): \(output.stdout)")
        }
        #expect(output.stdout.contains("ago: /latest/meta-data/instance-id returned 200"))
        #expect(!output.stdout.contains("\u{1B}"))
        let json = try Self.doctor(host, "web", "--json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: Any])
        let checks = try #require(document["checks"] as? [[String: Any]])
        #expect(checks.count == 9)
        #expect(
            checks.allSatisfy { $0["result"] as? String == "ok" && Set($0.keys) == ["check", "result", "problem", "remedy"] })
        // Without a domain, the host and a line for each.
        let all = try Self.doctor(host)
        // The test driver has a domain of its own, which was never enabled.
        #expect(all.status == 0)
        #expect(all.stdout.hasSuffix("\ntest: not enabled\nweb: ok\n"), "\(all.stdout)")
        let nagios = try Self.doctor(host, "--nagios")
        #expect(nagios.status == 0)
        #expect(nagios.stdout.hasPrefix("VIRT-METADATA OK - 0 errors, 0 warnings, 1 enabled domain, 1 not enabled | "))
    }

    @Test func `a last request that failed is a warning, on the page and in the overview`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        _ = try host.ask(web, "/latest/nowhere")
        let (line, remedy, status) = try Self.first(host)
        #expect(line.contains(try Regex("^request   warning: last request .* ago: /latest/nowhere returned 404$")), "\(line)")
        #expect(remedy.hasSuffix("→ sudo virt-metadata -c '\(host.libvirtd.uri)' requests web"), "\(remedy)")
        #expect(status == 1)
        let all = try Self.doctor(host)
        #expect(all.status == 1)
        #expect(
            all.stdout.contains(
                try Regex("\nweb: warning: last request .* ago: /latest/nowhere returned 404\n +→ sudo virt-metadata ")),
            "\(all.stdout)")
    }

    @Test func `the service is down`() async throws {
        let (host, web) = try await Self.host()
        host.stop()
        let (line, remedy, status) = try Self.first(host)
        #expect(line == "server    ERROR: server not running (no \(host.runDirectory)/admin.sock)", "\(line)")
        #expect(remedy.contains("systemctl start virt-metadata"))
        #expect(status == 3)
        // The rules stay, and drop requests.
        let kept = try Self.doctor(host, "web").stdout
        #expect(
            kept.contains(
                "\nfirewall  ERROR: the server is not running, and its nftables rules still drop requests to 169.254.169.254 from br0\n"
            ),
            "\(kept)")
        #expect(kept.contains("sudo virt-metadata cleanup"))
        // Its tap goes with it.
        withExtendedLifetime(web) {}
    }

    @Test func `the network is not the one that is served`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24", isKnown: false)
        try host.host.addBridge("br9")
        try host.libvirtd.virsh("create", host.libvirtd.file("web.xml", Domain().xml(web)))
        try await host.serve("--bridge", "br9")
        let output = try Self.doctor(host, "web", "--bridge", "br9")
        let first = output.stdout.split(separator: "\n").first { $0.contains("ERROR") }
        #expect(
            first == "network   ERROR: the configuration serves only bridge br9, and interface \(Self.mac) is on br0",
            "\(output.stdout)")
        // By the server's own record, where the configuration at hand does not say so.
        let (line, _, status) = try Self.first(host)
        #expect(line == "network   ERROR: the server does not serve bridge br0", "\(line)")
        #expect(status == 3)
    }

    @Test func `the bridge is down or missing`() async throws {
        let (host, _) = try await Self.host()
        try host.host.run("ip", "link", "set", "br0", "down")
        #expect(try Self.first(host).line == "network   ERROR: bridge br0 is down")
        #expect(try Self.doctor(host, "web").stdout.contains("port      skipped: no interface is on a bridge that is served\n"))
        try host.host.run("ip", "link", "delete", "br0")
        let (line, remedy, _) = try Self.first(host)
        #expect(line == "network   ERROR: bridge br0 of interface \(Self.mac) does not exist on this host", "\(line)")
        #expect(remedy.contains("sudo ip link add br0 up type bridge"))
    }

    @Test func `the firewall drops`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        try host.host.run(
            "nft",
            "add table inet fw; add chain inet fw incoming { type filter hook input priority 0; policy drop; };"
                + " add rule inet fw incoming tcp dport 22 accept")
        #expect(try host.ask(web, seconds: 1).hasSuffix("000"))
        let (line, remedy, status) = try Self.first(host)
        let packets = "requests to 169.254.169.254 from br0 (sent to TCP ports 61000-65535)"
        #expect(line == "firewall  ERROR: chain incoming of table inet fw drops \(packets)", "\(line)")
        #expect(status == 3)
        // The suggested command is the remedy.
        let command = try #require(remedy.split(separator: "→").last.map { $0.trimmingCharacters(in: .whitespaces) })
        try host.host.run("sh", "-c", command.replacing("sudo ", with: ""))
        try await host.expect(web)
        #expect(try Self.doctor(host, "web").status == 0)
    }

    @Test func `the metadata is bare`() async throws {
        // libvirt drops elements without a namespace.
        let (host, web) = try await Self.host(Domain(instance: "<instance><instance-id>i-web</instance-id></instance>"))
        let (line, remedy, status) = try Self.first(host)
        #expect(
            line
                == "metadata  warning: no <instance> metadata is set (libvirt drops elements without a namespace)",
            "\(line)")
        #expect(remedy.contains("enable web --ssh-key FILE"))
        let page = try Self.doctor(host, "web").stdout
        #expect(status == 1, "\(page)")
        // Where the configuration has something to say to all, nothing need be wrong.
        let file = try host.libvirtd.file(
            "defaults.yaml",
            "defaults: {public-keys: {admin: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB a}}\n"
        )
        let defaulted = try Self.doctor(host, "web", "--config", file)
        #expect(defaulted.status == 0)
        #expect(
            defaulted.stdout.contains(
                "metadata  note: no <instance> metadata is set; the defaults of the configuration are served"))
        withExtendedLifetime(web) {}
    }

    @Test(arguments: [
        (
            "<instance xmlns='urn:virt-metadata:instance:1'><hostnme>web</hostnme></instance>",
            "metadata  ERROR: value not served: hostnme: "
        ),
        (
            "<instance xmlns='urn:virt-metadata:instance:2'><hostname>web</hostname></instance>",
            "metadata  ERROR: <instance> has the unknown namespace 'urn:virt-metadata:instance:2': expected '"
        ),
    ]) func `an element is misspelt`(instance: String, beginning: String) async throws {
        let (host, _) = try await Self.host(Domain(instance: instance))
        let (line, _, status) = try Self.first(host)
        #expect(line.hasPrefix(beginning), "\(line)")
        #expect(status == 3)
    }

    @Test(arguments: [
        (
            "", "", "smbios    ERROR: SMBIOS does not advertise a cloud, so cloud-init detects no datasource",
            "enable --xml FILE for the XML that this transient domain is created from"
        ),
        (
            "<sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>", "",
            "smbios    ERROR: <sysinfo> has SMBIOS entries, but <os> has no <smbios mode='sysinfo'/>",
            "enable --xml FILE for the XML that this transient domain is created from"
        ),
        (
            "<sysinfo type='smbios'><system><entry name='product'>Openstack nova</entry></system></sysinfo>",
            "<smbios mode='sysinfo'/>",
            "smbios    ERROR: unknown SMBIOS product 'Openstack nova', so cloud-init detects no datasource: expected",
            " edit web"
        ),
    ]) func `SMBIOS does not name the datasource`(tables: String, mode: String, beginning: String, end: String) async throws {
        let (host, _) = try await Self.host(Domain(tables: tables, mode: mode))
        let (line, remedy, status) = try Self.first(host)
        #expect(line.hasPrefix(beginning), "\(line)")
        #expect(remedy.hasSuffix(end), "\(remedy)")
        #expect(status == 3)
    }

    @Test func `another guest uses the MAC address`() async throws {
        let (host, web) = try await Self.host(Domain(), "--guard", "off")
        try await host.expect(web)
        let forger = try host.guest("forger", mac: "52:54:00:0d:00:02", address: "192.0.2.11/24")
        try forger.namespace.run("ip", "link", "set", "eth0", "down")
        try forger.namespace.run("ip", "link", "set", "eth0", "address", Self.mac)
        try forger.namespace.run("ip", "link", "set", "eth0", "up")
        try forger.namespace.run("ip", "address", "replace", "192.0.2.12/24", "dev", "eth0")
        try forger.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        // The bridge remembers the port of the guest that sent the last frame.
        var (line, _, status) = try Self.first(host)
        for _ in 0..<10 where !line.hasPrefix("port ") {
            _ = try host.ask(forger, seconds: 1)
            (line, _, status) = try Self.first(host)
        }
        let problem = "another port uses MAC address \(Self.mac): bridge br0 learned it at tap-forger"
        #expect(line == "port      ERROR: \(problem), and the domain is at \(web.tap)", "\(line)")
        #expect(status == 3)
    }

    @Test func `frames that the guard dropped are noted of the host, not of each domain`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        let forger = try host.guest("forger", mac: "52:54:00:0d:00:02", address: "192.0.2.11/24")
        try await host.expect(forger)
        try forger.namespace.run("ip", "link", "set", "eth0", "down")
        try forger.namespace.run("ip", "link", "set", "eth0", "address", Self.mac)
        try forger.namespace.run("ip", "link", "set", "eth0", "up")
        try forger.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
        let note = /server +note: \d+ frames with another guest's MAC address were dropped on this host's bridges/
        try await host.eventually("the frames are noted", within: .seconds(15)) {
            _ = try host.ask(forger, seconds: 1)
            return try Self.doctor(host).stdout.contains(note)
        }
        #expect(try Self.doctor(host, "--json").stdout.matches(of: /frames with another guest's MAC/).count == 1)
        #expect(try Self.doctor(host, "web").stdout.contains(/port +note: \d+ frames with another guest's MAC address/))
    }

    @Test func `another guest uses the address`() async throws {
        let instance = """
            <instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-web</instance-id><interfaces><interface mac='\(Self.mac)'>
            <address>192.0.2.10/24</address></interface></interfaces></instance>
            """
        let (host, web) = try await Self.host(Domain(instance: instance))
        try await host.expect(web)
        #expect(try Self.doctor(host, "web").status == 0)
        try host.host.run(
            "ip", "neighbour", "replace", "192.0.2.10", "lladdr", "52:54:00:0d:00:02", "dev", "br0", "nud", "reachable")
        let (line, remedy, status) = try Self.first(host)
        let problem = "address 192.0.2.10 of \(Self.mac) is at 52:54:00:0d:00:02 in the host's neighbour table"
        #expect(line.hasPrefix("port      ERROR: \(problem): another guest uses this address"), "\(line)")
        #expect(status == 3)
        let command = try #require(remedy.firstMatch(of: /→ sudo ([^;]+);/)?.1)
        try host.host.run("sh", "-c", String(command))
        try await host.expect(web)
        #expect(try Self.doctor(host, "web").status == 0)
    }

    @Test func `the tap is not on the bridge, is down or missing`() async throws {
        let (host, web) = try await Self.host()
        try host.host.run("ip", "link", "set", web.tap, "nomaster")
        let (line, remedy, status) = try Self.first(host)
        #expect(line == "network   ERROR: tap \(web.tap) of interface \(Self.mac) is not on bridge br0", "\(line)")
        #expect(remedy.contains("sudo ip link set \(web.tap) master br0"))
        #expect(status == 3)
        try host.host.run("ip", "link", "set", web.tap, "master", "br0", "down")
        #expect(try Self.first(host).line.hasPrefix("network   ERROR: tap \(web.tap) is down"))
        try host.host.run("ip", "link", "delete", web.tap)
        let missing = try Self.first(host).line
        #expect(missing == "network   ERROR: tap \(web.tap) of interface \(Self.mac) does not exist on this host")
    }

    @Test func `the reverse path filter drops packets without a route back`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        let line =
            "ip -4 -o address show dev br0 | grep -v /32 | while read -r _ _ _ address _; do ip address del $address dev br0; done"
        try host.host.run("sh", "-c", "\(line); for name in all br0; do echo 1 >/proc/sys/net/ipv4/conf/$name/rp_filter; done")
        let found = try Self.first(host)
        #expect(found.line.hasPrefix("port      warning: rp_filter is strict and no route leads to bridge br0"), "\(found.line)")
        #expect(found.remedy.contains("net/ipv4/conf/br0/rp_filter=0"))
        #expect(found.status == 1)
    }

    @Test func `an isolated network gives its guests no route`() async throws {
        let (host, web) = try await Self.host()
        let network = "<network><name>alone</name><bridge name='br0'/><ip address='192.0.2.1' netmask='255.255.255.0'/></network>"
        try host.libvirtd.virsh("net-create", host.libvirtd.file("alone.xml", network))
        try host.destroy(web.name)
        let domain = Domain(source: "network='alone'").xml(web).replacing("type='bridge'", with: "type='network'")
        try host.libvirtd.virsh("create", host.libvirtd.file("web.xml", domain))
        let found = try Self.first(host)
        #expect(
            found.line.hasPrefix("network   warning: isolated network alone does not advertise a route to 169.254.169.254;"),
            "\(found.line)")
        #expect(found.remedy.contains("option 121"))
        #expect(found.status == 1)
    }

    @Test func `libvirt denies access, or does not run`() async throws {
        let (host, _) = try await Self.host()
        let absent = try Self.first(host, uri: "qemu+unix:///system?socket=/nonexistent")
        #expect(
            absent.line.hasPrefix("libvirt   ERROR: cannot connect to libvirt at qemu+unix:///system?socket=/nonexistent: "),
            "\(absent.line)")
        #expect(absent.remedy.contains("→ sudo systemctl start "))
        #expect(absent.status == 3)
        // A user without access by the socket's mode.
        try Command.succeed(["chmod", "755", host.libvirtd.directory])
        try Command.succeed([
            "chmod", "600", host.libvirtd.directory + "/libvirt-sock", host.libvirtd.directory + "/libvirt-sock-ro",
        ])
        let copy = "/tmp/virt-metadata-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try Command.succeed(["install", "-m", "755", MetadataServer.executable, copy])
        let denied = try Command.run(
            ["setpriv", "--reuid", "65534", "--clear-groups", copy, "doctor", "web", "--connect", host.libvirtd.uri],
            in: host.host.name)
        let first = denied.stdout.split(separator: "\n").first
        #expect(
            first?.hasPrefix("libvirt   ERROR: libvirt at \(host.libvirtd.uri) denies access: ") == true,
            "\(denied.stdout)\(denied.stderr)")
        #expect(denied.stdout.contains("usermod -aG libvirt"))
        #expect(denied.status == 3)
    }

    @Test func `a missing or stopped domain is reported`() async throws {
        let (host, _) = try await Self.host()
        let output = try Self.doctor(host, "webb")
        #expect(output.stdout.contains("domain    ERROR: no domain 'webb' at \(host.libvirtd.uri); did you mean 'web'?"))
        #expect(output.stdout.contains("smbios    skipped: there is no running domain to check"))
        #expect(output.status == 3)
        let stopped = try host.libvirtd.file(
            "off.xml", "<domain type='test'><name>off</name><memory>65536</memory><os><type>hvm</type></os></domain>")
        try host.libvirtd.virsh("define", stopped)
        let never = try Self.doctor(host, "off").stdout
        let enable = "virt-metadata -c '\(host.libvirtd.uri)' enable off"
        #expect(
            never.contains(
                "domain    ERROR: not enabled: the domain has no SMBIOS identity and no <instance> metadata\n          → \(enable)\n"
            ),
            "\(never)")
        #expect(never.contains(" ERROR: off is not running\n"), "\(never)")
        try Command.succeed(
            [MetadataServer.executable, "set", "off", "hostname=a", "-c", host.libvirtd.uri], in: host.host.name)
        #expect(try Self.doctor(host, "off").stdout.contains("domain    ERROR: off is not running"))
    }

    @Test func `list shows every domain, its data source, addresses and last request`() async throws {
        let (host, web) = try await Self.host()
        try await host.expect(web)
        let stopped = try host.libvirtd.file(
            "off.xml", "<domain type='test'><name>off</name><memory>65536</memory><os><type>hvm</type></os></domain>")
        try host.libvirtd.virsh("define", stopped)
        let own = ["--connect", host.libvirtd.uri, "--run-directory", host.runDirectory]
        let table = try Command.succeed([MetadataServer.executable, "list"] + own, in: host.host.name)
        let lines = table.split(separator: "\n").map { $0.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) } }
        #expect(lines.first == ["DOMAIN", "STATE", "IDENTITY", "DATASOURCE", "SERVED", "ADDRESSES", "LAST REQUEST"])
        #expect(lines.dropFirst().first { $0.first == "off" }?.prefix(4) == ["off", "shut off", "-", "none"])
        let row = try #require(lines.first { $0.first == "web" })
        #expect(row.prefix(5) == ["web", "running", "openstack", "OpenStack", "yes"])
        #expect(row.last?.hasPrefix("200 ") == true)
        let json = try Command.succeed([MetadataServer.executable, "list", "--json"] + own, in: host.host.name)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let domains = try #require(document["domains"] as? [[String: Any]])
        let known = try #require(domains.first { $0["name"] as? String == "web" })
        #expect(
            Set(known.keys) == [
                "name", "uuid", "hypervisor", "state", "identity", "datasources", "addresses", "last_request", "enabled",
                "served", "notes",
            ])
        #expect(known["identity"] as? String == "openstack")
        #expect(known["served"] as? Bool == true)
        #expect(domains.first { $0["name"] as? String == "off" }?["served"] as? Bool == false)
        #expect(known["datasources"] as? [String: [String]] == ["22.4.2": ["OpenStack"], "24.2": ["OpenStack"]])
    }
}
