import Foundation
import TestSupport
import Testing

/// Who is asking goes by the port: at every moment, whatever guests do to each other.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct StructuralIdentityTests {
    private static let victim = "52:54:00:0c:00:01"
    private static let forger = "52:54:00:0c:00:02"

    /// A host with a victim and a forger, both served.
    private func host(_ options: String...) async throws -> (BridgedHost, victim: BridgedHost.Guest, forger: BridgedHost.Guest) {
        let host = try BridgedHost()
        let victim = try host.guest("victim", mac: Self.victim, address: "192.0.2.11/24")
        let forger = try host.guest("forger", mac: Self.forger, address: "192.0.2.12/24")
        try await host.serve("--bridge", "br0", options.first ?? "--guard", options.last ?? "on")
        try await host.expect(victim)
        try await host.expect(forger)
        return (host, victim, forger)
    }

    /// Gives a guest another hardware address and address, as root in it can.
    private func disguise(_ guest: BridgedHost.Guest, mac: String, address: String) throws {
        try guest.namespace.run("ip", "link", "set", "eth0", "down")
        try guest.namespace.run("ip", "link", "set", "eth0", "address", mac)
        try guest.namespace.run("ip", "address", "flush", "dev", "eth0", "scope", "global")
        try guest.namespace.run("ip", "link", "set", "eth0", "up")
        try guest.namespace.run("ip", "address", "add", address, "dev", "eth0")
        try guest.namespace.run("ip", "route", "replace", "169.254.169.254/32", "dev", "eth0")
    }

    @Test func `another host's domains have no part in this host's bridges, whatever they are called`() async throws {
        let host = try BridgedHost()
        let elsewhere = try BridgedHost()
        let (mac, address) = ("52:54:00:0b:01:01", "192.0.2.10/24")
        let web = try host.guest("web", mac: mac, address: address)
        let forger = try host.guest("forger", mac: "52:54:00:0b:01:02", address: "192.0.2.11/24", isKnown: false, byTap: true)
        try host.host.addBridge("br7")
        // There, a domain has the forger's hardware address and tap, another the tap of this host's guest, and a third a bridge of this name.
        try elsewhere.start(forger)
        try elsewhere.start(web, named: "other", mac: "52:54:00:0b:01:03")
        let far = BridgedHost.Guest(name: "far", mac: "52:54:00:0b:01:04", bridge: "br7", namespace: try NetworkNamespace())
        try elsewhere.start(far)

        try await host.serve("--connect", elsewhere.libvirtd.uri, "--intercept", "address", "--hold-timeout", "1s")
        try await host.eventually("both hosts are read") { host.log.matches(of: /the inventory is complete/).count == 2 }
        try await host.expect(web)
        #expect(try host.ask(forger).hasSuffix("404"))
        #expect(host.log.contains("belongs to forger on another host"), "\(host.log)")
        #expect(!host.log.contains("bridge=br7"))
        #expect(try !host.rules().contains("52:54:00:0b:01:02"))
    }

    @Test func `a guest that takes over an address reads its own data`() async throws {
        let (host, victim, forger) = try await host()
        try victim.namespace.run("ip", "address", "flush", "dev", "eth0", "scope", "global")
        try disguise(forger, mac: Self.forger, address: "192.0.2.11/24")
        #expect(try host.ask(forger) == "i-forger 200")
    }

    @Test(arguments: ["on", "off"]) func `another guest's hardware address gets nothing`(guarding: String) async throws {
        let (host, victim, forger) = try await host("--guard", guarding)
        try disguise(forger, mac: Self.victim, address: "192.0.2.11/24")
        for _ in 0..<5 {
            let answer = try host.ask(forger, seconds: 1)
            #expect(!answer.contains("i-victim"))
            #expect(answer.hasPrefix(guarding == "on" ? " 000" : "404"), "\(answer)")
        }
        if guarding == "off" {
            #expect(
                host.log.contains("\(Self.victim) belongs to victim, but arrived by tap-forger, the port of forger"))
        } else {
            try await host.expect(victim)
            let counter = try host.host.run("nft", "list", "counter", "netdev", "virt_metadata", "spoofed")
            #expect(!counter.contains("packets 0 "), "\(counter)")
        }
    }

    @Test func `an unknown hardware address is not matched, at once on a guest's port`() async throws {
        let (host, _, forger) = try await host()
        try disguise(forger, mac: "52:54:00:0c:00:99", address: "192.0.2.12/24")
        let start = ContinuousClock.now
        #expect(try host.ask(forger).hasSuffix("404"))
        #expect(start.duration(to: .now) < .seconds(3), "it was not held")
        #expect(host.log.contains("belongs to no domain, but arrived by tap-forger, the port of forger"))
    }

    @Test func `a guest that floods spoofed frames gets nothing, and the bridge keeps the victim's port`() async throws {
        let (host, victim, forger) = try await host()
        let flood = try Flood(from: forger, mac: Self.victim)
        defer { flood.stop() }
        let port = try host.host.run("bridge", "fdb", "show", "br", "br0")
        for _ in 0..<20 {
            #expect(try host.ask(victim, seconds: 3) == "i-victim 200")
            let now = try host.host.run("bridge", "fdb", "show", "br", "br0")
            #expect(now.split(separator: "\n").contains { $0.hasPrefix("\(Self.victim) dev tap-victim") }, "\(now) was \(port)")
        }
        #expect(!host.log.contains("arrived by tap-forger"))
        try await host.eventually("the operator is told of it", within: .seconds(15)) {
            host.log.contains("frames with another guest's MAC address, or from a metadata address, were dropped")
        }
    }

    @Test func `without the guard a forger that floods moves its victim, which is why there is one`() async throws {
        let (host, victim, forger) = try await host("--guard", "off")
        let flood = try Flood(from: forger, mac: Self.victim)
        defer { flood.stop() }
        try await host.eventually("the victim is where the forger is") {
            try host.host.run("bridge", "fdb", "show", "br", "br0").contains("\(Self.victim) dev tap-forger")
        }
        // It is served anyway: neither requests nor replies depend on the bridge's forwarding database.
        try await host.expect(victim)
    }

    @Test func `without a saved SYN the port identifies the guest`() async throws {
        let (host, victim, forger) = try await host()
        // Cookies for every connection, as under a flood of them.
        try host.host.run("sh", "-c", "echo 2 > /proc/sys/net/ipv4/tcp_syncookies")
        try await host.expect(victim)
        try await host.expect(victim, at: "[fe80::a9fe:a9fe%25eth0]")
        try victim.namespace.run("ip", "address", "flush", "dev", "eth0", "scope", "global")
        try disguise(forger, mac: Self.forger, address: "192.0.2.11/24")
        #expect(try host.ask(forger) == "i-forger 200")
    }

    @Test func `frames that a bridge learns from before any rule do not move a guest`() async throws {
        let (host, victim, forger) = try await host()
        // LLDP's address, which bridges do not forward, but learn from by default.
        let flood = try Flood(from: forger, mac: Self.victim, to: "01:80:c2:00:00:0e")
        defer { flood.stop() }
        for _ in 0..<10 {
            let now = try host.host.run("bridge", "fdb", "show", "br", "br0")
            #expect(!now.contains("\(Self.victim) dev tap-forger"), "\(now)")
            #expect(try host.ask(victim, seconds: 3) == "i-victim 200")
        }
    }

    @Test func `no guest answers for the metadata address`() async throws {
        let (host, victim, forger) = try await host()
        try forger.namespace.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        try forger.namespace.run("ip", "address", "add", "fe80::a9fe:a9fe/64", "dev", "eth0", "nodad")
        for _ in 0..<5 {
            try victim.namespace.run("ip", "neigh", "flush", "all")
            let answers = try victim.namespace.run("arping", "-c2", "-w2", "-I", "eth0", "169.254.169.254")
            #expect(answers.lowercased().contains("02:00:00:00:00:fe"), "\(answers)")
            #expect(!answers.lowercased().contains(Self.forger), "\(answers)")
            try victim.namespace.run("ping", "-c1", "-W1", "fe80::a9fe:a9fe%eth0")
            let neighbours = try victim.namespace.run("ip", "neigh", "show")
            #expect(!neighbours.contains(Self.forger), "\(neighbours)")
        }
        #expect(try host.ask(victim) == "i-victim 200")
    }

    @Test func `an answer is right when tables have been flushed`() async throws {
        let (host, victim, forger) = try await host()
        for _ in 0..<10 {
            try host.host.run("ip", "neigh", "flush", "dev", "br0")
            try host.host.run("bridge", "fdb", "flush", "dev", "br0", "dynamic")
            #expect(try host.ask(victim) == "i-victim 200")
            #expect(try host.ask(forger) == "i-forger 200")
        }
    }

    @Test func `a recreated tap belongs to its guest`() async throws {
        let (host, victim, _) = try await host()
        try host.unplug(victim)
        try host.plug(victim, addresses: ["192.0.2.11/24"])
        try await host.expect(victim)
    }

    @Test func `a domain that replaces another on the same address and tap is matched from its first request`() async throws {
        let host = try BridgedHost()
        let victim = try host.guest("victim", mac: Self.victim, address: "192.0.2.11/24", byTap: true)
        try await host.serve("--bridge", "br0")
        try await host.expect(victim)
        try host.destroy("victim")
        try host.start(victim, named: "heir")
        let answer = try host.ask(victim)
        #expect(answer == "i-heir 200", "\(answer) \(host.log.suffix(4000)) \((try? host.state()) ?? "")")
        try host.destroy("heir")
        // A port without a domain waits for the next one, and is told 404 where none comes.
        try await host.eventually("404 is answered", within: .seconds(20)) { try host.ask(victim).hasSuffix("404") }
        let (namespace, limit) = (victim.namespace.name, Duration.seconds(20))
        let curl = ["curl", "-s", "--max-time", "10", "http://169.254.169.254/latest/meta-data/instance-id"]
        async let waiting = Command.run(curl, in: namespace, limit: limit).stdout
        try host.start(victim, named: "next")
        #expect(try await waiting == "i-next")
    }

    @Test func `a hardware address that moves to another tap with its domain is followed`() async throws {
        let (host, victim, forger) = try await host()
        try host.destroy("victim")
        try host.destroy("forger")
        try host.start(forger, named: "victim", mac: Self.victim)
        try disguise(forger, mac: Self.victim, address: "192.0.2.11/24")
        try victim.namespace.run("ip", "link", "set", "eth0", "down")
        try await host.expect(forger, is: "i-victim")
    }

    @Test func `two domains with one hardware address are two, on one bridge as on two`() async throws {
        let host = try BridgedHost()
        let one = try host.guest("one", mac: Self.victim, address: "192.0.2.11/24")
        let two = try host.guest("two", on: "br1", mac: Self.victim, address: "192.0.2.11/24")
        try await host.serve("--bridge", "br0,br1")
        try await host.expect(one)
        try await host.expect(two)
        let third = try host.guest("third", mac: Self.victim, address: "192.0.2.13/24")
        for guest in [third, one, two] { try await host.expect(guest) }
    }

    @Test func `a request before the domain is known is held, and then answered`() async throws {
        let host = try BridgedHost()
        let early = try host.guest("early", mac: Self.victim, address: "192.0.2.11/24", isKnown: false, byTap: true)
        try host.host.addBridge("br0")
        try await host.serve("--bridge", "br0")
        try await host.eventually("the inventory is complete") { host.log.contains("the inventory is complete") }
        let (namespace, limit) = (early.namespace.name, Duration.seconds(20))
        let curl = ["curl", "-s", "--max-time", "10", "http://169.254.169.254/latest/meta-data/instance-id"]
        async let answer = Command.run(curl, in: namespace, limit: limit).stdout
        try await host.eventually("the request waits") { try host.heldRequests == 1 }
        try host.start(early)
        #expect(try await answer == "i-early")

        let stranger = try host.guest("stranger", mac: Self.forger, address: "192.0.2.12/24", isKnown: false, byTap: true)
        let start = ContinuousClock.now
        #expect(try host.ask(stranger).hasSuffix("404"))
        #expect(start.duration(to: .now) > .seconds(4), "it was held")
        #expect(host.log.contains("no running domain has an interface \(Self.forger)"))
    }
}
