import Foundation
import TestSupport
import Testing

/// How guests' packets for the metadata addresses reach the server, and where they go without it.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct InterceptionTests {
    private static let mac = "52:54:00:0a:00:01"

    // MARK: address

    @Test func `a bridge gets the addresses, and its guests are served by IPv4 and IPv6`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try web.namespace.run("ip", "route", "add", "fd00:ec2::254/128", "dev", "eth0")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        try await host.expect(web, at: "[fe80::a9fe:a9fe%25eth0]")
        try await host.expect(web, at: "[fd00:ec2::254]")
        #expect(host.log.contains("interception=address"))
        #expect(try host.addresses(of: "br0").contains("169.254.169.254/32"))
    }

    @Test func `the bridges of enabled domains are served without being named`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--intercept", "auto", "--intercept", "address")
        try await host.expect(web)
        let late = try host.guest("late", on: "br1", mac: "52:54:00:0a:00:02", address: "192.0.2.10/24")
        try await host.expect(late)
        try await host.expect(web)
    }

    @Test func `disabled IPv6 stays disabled, which is logged once`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try host.host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/br0/disable_ipv6")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        #expect(!(try host.addresses(of: "br0").contains("fe80")))
        #expect(host.log.matches(of: /IPv6 is disabled on a bridge/).count == 1)
    }

    @Test func `an installed address is restored, and an operator's is kept`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0", addresses: ["fd00:ec2::254/128"])
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        try host.host.run("ip", "address", "del", "169.254.169.254/32", "dev", "br0")
        try await host.expect(web)
        #expect(host.log.matches(of: /another process removed a metadata address/).count == 1)
        // Once in ten seconds: an operator who removes it on purpose can stop the server meanwhile.
        try host.host.run("ip", "address", "del", "169.254.169.254/32", "dev", "br0")
        // The server has looked at the bridge since, for a new port is served; the other addresses are there.
        let late = try host.guest("late", mac: "52:54:00:0a:00:02", address: "192.0.2.11/24")
        try await host.expect(late, at: "[fe80::a9fe:a9fe%25eth0]")
        #expect(!(try host.addresses(of: "br0").contains("169.254.169.254")))
        try await host.expect(web, within: .seconds(15))

        host.stop()
        try Command.succeed([MetadataServer.executable, "release", "--run-directory", host.runDirectory], in: host.host.name)
        let left = try host.addresses(of: "br0")
        #expect(left.contains("fd00:ec2::254") && !left.contains("169.254.169.254") && !left.contains("fe80::a9fe:a9fe"))
    }

    // MARK: redirect

    @Test func `where another process holds port 80, packets are redirected, and it is named`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0", addresses: ["192.0.2.1/24", "fd00:77::1/64"])
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try web.namespace.run("ip", "route", "replace", "169.254.169.254/32", "via", "192.0.2.1")
        try web.namespace.run("ip", "address", "add", "fd00:77::10/64", "dev", "eth0", "nodad")
        try web.namespace.run("ip", "route", "add", "fd00:ec2::254/128", "via", "fd00:77::1")
        let nginx = try Listening(in: host.host, port: 80)
        defer { nginx.stop() }
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        try await host.expect(web, at: "[fd00:ec2::254]")
        #expect(host.log.contains("interception=redirect"))
        #expect(host.log.contains("port 80 is held by python3 (process "), "\(host.log)")
        #expect(!(try host.addresses(of: "br0").contains("169.254.169.254")))
        // Other packets still reach the other process.
        #expect(try host.ask(web, "/", at: "192.0.2.1").contains("other"))
    }

    @Test func `a host in a cloud still reaches its metadata, and its guests do not`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0", addresses: ["192.0.2.1/24"])
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try web.namespace.run("ip", "route", "replace", "default", "via", "192.0.2.1")
        try web.namespace.run("ip", "route", "del", "169.254.169.254/32")
        let cloud = try Cloud(of: host.host)
        defer { cloud.stop() }
        #expect(try Command.succeed(cloud.question, in: host.host.name) == "the host's own")
        // Without the server, its guests reach the cloud too: this must be prevented.
        #expect(try host.ask(web, "/").contains("the host's own"))

        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        #expect(host.log.contains("the host itself has a route to 169.254.169.254 over uplink"), "\(host.log)")
        #expect(try Command.succeed(cloud.question, in: host.host.name) == "the host's own")

        host.stop()
        #expect(try host.ask(web, "/", seconds: 2) == " 000", "closed, and not the host's")
        #expect(try Command.succeed(cloud.question, in: host.host.name) == "the host's own")

        // A killed server does not close the bridges, but the rules stay.
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        host.server?.kill()
        #expect(try host.ask(web, "/", seconds: 2) == " 000")

        try Command.succeed([MetadataServer.executable, "release", "--run-directory", host.runDirectory], in: host.host.name)
        #expect(try host.ask(web, "/").contains("the host's own"), "the operator has opened it")
        #expect(!(try host.rules().contains("virt_metadata")))
    }

    @Test func `a bridge without an IPv4 address cannot be redirected, which is logged`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0", "--intercept", "redirect", until: "interception failed; retrying")
        #expect(host.log.contains("needs an IPv4 address on the bridge"))
        try host.host.run("ip", "address", "add", "192.0.2.1/24", "dev", "br0")
        try web.namespace.run("ip", "route", "replace", "169.254.169.254/32", "via", "192.0.2.1")
        try await host.expect(web)
    }

    @Test func `two guests with one address on two redirected bridges are distinguished`() async throws {
        let host = try BridgedHost()
        var guests: [BridgedHost.Guest] = []
        for number in 0...1 {
            try host.host.addBridge("br\(number)", addresses: ["192.0.2.1/24"])
            let guest = try host.guest(
                "guest\(number)", on: "br\(number)", mac: "52:54:00:0a:00:0\(number + 1)", address: "192.0.2.10/24")
            try guest.namespace.run("ip", "route", "replace", "169.254.169.254/32", "via", "192.0.2.1")
            guests.append(guest)
        }
        try await host.serve("--bridge", "br0,br1", "--intercept", "redirect")
        for guest in guests { try await host.expect(guest) }
        // From one port as well: nothing of the connection but the bridge differs.
        for port in 4000..<4003 {
            for guest in guests {
                #expect(try host.ask(guest, seconds: 3, "--local-port", "\(port)") == "\(guest.id) 200")
            }
        }
    }

    // MARK: The end, and the beginning

    @Test func `a restart loses no request`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        let (progress, over) = (host.libvirtd.directory + "/asked", host.libvirtd.directory + "/over")
        let crawl = """
            i=0
            while [ ! -e '\(over)' ] && [ $i -lt 20000 ]; do
                i=$((i + 1))
                curl -s -f -o /dev/null --max-time 20 http://169.254.169.254/latest/meta-data/instance-id || echo "lost $i: $?"
                echo $i >>'\(progress)'
            done
            """
        let namespace = web.namespace.name
        async let losses = Command.succeed(["sh", "-c", crawl], in: namespace, limit: .seconds(100))
        func asksOn() async throws {
            let asked = { ((try? String(contentsOfFile: progress, encoding: .utf8)) ?? "").split(separator: "\n").count }
            let before = asked()
            try await host.eventually("the guest asks on", within: .seconds(20)) { asked() > before + 50 }
        }
        for _ in 0..<2 {
            try await asksOn()
            #expect(host.stop() == 0)
            try await host.serve("--bridge", "br0")
        }
        try await asksOn()
        _ = try host.libvirtd.file("over", "")
        #expect(try await losses == "")
    }

    @Test func `left open, everything installed is removed`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0", "--leave-open")
        try await host.expect(web)
        #expect(host.stop() == 0)
        let left = try host.addresses(of: "br0")
        for address in ["169.254.169.254", "fd00:ec2::254", "fe80::a9fe:a9fe"] { #expect(!left.contains(address)) }
        #expect(!(try host.rules().contains("virt_metadata")))
        #expect(host.owned.isEmpty)
        let options = try host.host.run("ip", "-d", "link", "show", "br0")
        #expect(options.contains("no_linklocal_learn 0"))
    }

    @Test func `a second server on one host exits with 2`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0")
        try await host.serve("--bridge", "br0")
        let second = try Command.run(
            [MetadataServer.executable, "serve", "--bridge", "br0"] + host.arguments, in: host.host.name)
        #expect(second.status == 2)
        #expect(second.stderr.contains("another virt-metadata (process \(host.server?.processIdentifier ?? 0)) serves this host"))
        let release = try Command.run(
            [MetadataServer.executable, "release", "--run-directory", host.runDirectory], in: host.host.name)
        #expect(release.status == 2)
    }

    @Test func `a truncated record is set aside, and the guests are served`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        host.stop()
        let whole = host.owned
        #expect(whole.contains("169.254.169.254"))
        try String(whole.dropLast(20)).write(toFile: host.runDirectory + "/owned.json", atomically: true, encoding: .utf8)
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        #expect(host.log.contains("invalid record of installed addresses and rules"))
        #expect(FileManager.default.fileExists(atPath: host.runDirectory + "/owned.json.damaged"))
        #expect(host.log.contains("guard=on"))
    }

    @Test func `a foreign table is kept, and no guest is served until it is removed`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try host.host.run("nft", "add", "table", "netdev", "virt_metadata")
        try await host.serve("--bridge", "br0", until: "another program has an nftables table of this name")
        // Without rules a request's port is unknown, so no guest is answered.
        #expect(try host.ask(web, seconds: 2) == " 000")
        #expect(!host.log.contains("guests of a bridge are served"))
        #expect(try host.rules().contains("table netdev virt_metadata"))
        try host.host.run("nft", "delete", "table", "netdev", "virt_metadata")
        try await host.expect(web, within: .seconds(20))
    }

    @Test func `an earlier version's state is cleaned up`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        host.stop()
        try host.host.run("nft", "add table bridge virt_metadata; add counter bridge virt_metadata forged")
        try host.host.run("ip", "link", "set", "br0", "type", "bridge", "no_linklocal_learn", "1")
        let index = try host.host.run("cat", "/sys/class/net/br0/ifindex").trimmingCharacters(in: .newlines)
        let record = host.owned.replacingOccurrences(
            of: #""learning": ["#, with: #""learning": [{"bridge": "br0", "index": \#(index)}"#
        ).replacingOccurrences(of: #""tables": ["#, with: #""tables": ["bridge", "#)
        #expect(record.contains(#""bridge", ""#) && record.contains(#""index": \#(index)}]"#), "\(record)")
        try record.write(toFile: host.runDirectory + "/owned.json", atomically: true, encoding: .utf8)
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        #expect(try !host.host.run("nft", "list", "ruleset").contains("table bridge"))
        #expect(try host.host.run("ip", "-d", "link", "show", "br0").contains("no_linklocal_learn 0"))
    }

    /// A bridge without a fixed address changes it when a port is added or removed, and the server hears of it a moment later. A stopped
    /// server hears nothing: the kernel alone completes the handshake, if the request reaches the host.
    @Test func `a request reaches the host and no other guest while the bridge's MAC address changes`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let other = try host.guest("other", mac: "52:54:00:0a:00:02", address: "192.0.2.11/24")
        try await host.serve("--bridge", "br0")
        for guest in [web, other] { try await host.expect(guest) }
        let rules = """
            table netdev seen { counter requests {}
            chain in { type filter hook ingress device eth0 priority 0; tcp dport != 22 tcp flags syn counter name requests; }; }
            """
        try other.namespace.run("nft", "-f", try host.libvirtd.file("seen.nft", rules))
        let server = try #require(host.server)
        kill(server.processIdentifier, SIGSTOP)
        defer { kill(server.processIdentifier, SIGCONT) }
        for number in 1...3 {
            try host.host.run("ip", "link", "set", "br0", "address", "02:00:00:00:00:0\(number)")
            try web.namespace.run("timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/169.254.169.254/80")
        }
        #expect(try other.namespace.run("nft", "list", "counter", "netdev", "seen", "requests").contains("packets 0 "))
    }

    @Test func `while all rules are removed, no guest reaches another's sockets`() async throws {
        let host = try BridgedHost()
        try host.host.addBridge("br0", addresses: ["192.0.2.1/24"])
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        let forger = try host.guest("forger", mac: "52:54:00:0a:00:02", address: "192.0.2.11/24")
        try await host.serve("--bridge", "br0")
        for guest in [web, forger] { try await host.expect(guest) }
        let listening = try host.host.run("ss", "-Hltn", "sport >= :61000")
        let ports = Set(listening.matches(of: /:(6\d{4})\s/).map { String($0.1) })
        #expect(ports.count == 4, "\(listening)")
        try host.host.run("nft", "flush", "ruleset")
        for port in ports {
            for address in ["192.0.2.1", "169.254.169.254"] {
                #expect(try host.ask(forger, at: "\(address):\(port)", seconds: 1) == " 000")
            }
        }
        try await host.eventually("the rules are there again", within: .seconds(15)) {
            try host.rules().contains("52:54:00:0a:00:01")
        }
        for guest in [web, forger] { try await host.expect(guest) }
    }

    @Test func `flushed tables are recreated`() async throws {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: Self.mac, address: "192.0.2.10/24")
        try await host.serve("--bridge", "br0")
        try await host.expect(web)
        try host.host.run("nft", "flush", "ruleset")
        try await host.eventually("the tables are there again", within: .seconds(15)) {
            try host.rules().contains("52:54:00:0a:00:01")
        }
    }
}
