import Foundation
import TestSupport
import Testing

/// A host whose guests are plugged into bridges: a network namespace with our server, guests' namespaces behind veths, and a
/// libvirtd beside it whose domains name those veths as their taps.
///
/// libvirt's test driver stands for the hypervisor: it keeps the names of taps, and its guests are whoever we plug in.
final class BridgedHost {
    /// A guest's domain and its cable.
    struct Guest {
        let name: String
        let mac: String
        let bridge: String
        let namespace: NetworkNamespace

        /// The host's end of its cable.
        var tap: String { "tap-\(name)" }
        /// What it is to read as its instance-id.
        var id: String { "i-\(name)" }
    }

    let host: NetworkNamespace
    let libvirtd: PrivateLibvirtd
    /// Keeps the domains.
    private let connection: StandingConnection
    private(set) var server: MetadataServer?
    private var uuids: [String: String] = [:]

    init() throws {
        (host, libvirtd) = (try NetworkNamespace(), try PrivateLibvirtd())
        connection = try StandingConnection(to: libvirtd.uri)
        // As systemd has it: a sender must be somewhere. Like any host it has a way to everywhere, on which nobody is here.
        try host.run("sh", "-c", "echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter")
        try host.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "far-wan")
        for link in ["wan", "far-wan"] { try host.run("ip", "link", "set", link, "up") }
        try host.run("ip", "address", "add", "203.0.113.2/24", "dev", "wan")
        try host.run("ip", "route", "add", "default", "via", "203.0.113.1")
    }

    /// Where it is written what is ours.
    var runDirectory: String { libvirtd.directory + "/run" }

    /// What is written there.
    var owned: String { (try? String(contentsOfFile: runDirectory + "/owned.json", encoding: .utf8)) ?? "" }

    var log: String { server?.log ?? "" }

    /// Starts the server and waits until it serves the guests of a bridge.
    func serve(_ options: String..., until phrase: String = "guests of a bridge are served") async throws {
        server = try await MetadataServer(in: host, arguments + options, until: phrase)
    }

    var arguments: [String] { ["--connect", libvirtd.uri, "--run-directory", runDirectory, "--log-level", "debug"] }

    /// Ends the server and returns its exit status.
    @discardableResult
    func stop() -> Int32? { server?.stop() }

    // MARK: Guests

    /// Plugs a guest into a bridge and starts its domain.
    func guest(
        _ name: String, on bridge: String = "br0", mac: String, address: String, isKnown: Bool = true
    ) throws -> Guest {
        let guest = Guest(name: name, mac: mac, bridge: bridge, namespace: try NetworkNamespace())
        try plug(guest, addresses: [address])
        if isKnown { try start(guest) }
        return guest
    }

    /// Plugs a guest's cable in, and gives it a route to everywhere.
    func plug(_ guest: Guest, addresses: [String]) throws {
        try host.addBridge(guest.bridge)
        // Its own, as libvirt gives it one; else it would have that of one of its ports, and lose it with that.
        try host.run("ip", "link", "set", guest.bridge, "address", "02:00:00:00:00:fe")
        _ = try GuestLink(
            from: guest.namespace, to: guest.bridge, in: host, mac: guest.mac, addresses: addresses, port: guest.tap)
        try guest.namespace.run("ip", "route", "add", "169.254.169.254/32", "dev", "eth0")
    }

    func unplug(_ guest: Guest) throws { try host.run("ip", "link", "delete", guest.tap) }

    /// Starts a guest's domain.
    func start(_ guest: Guest, named name: String? = nil, mac: String? = nil, tap: String? = nil) throws {
        let name = name ?? guest.name
        let uuid = uuids[name] ?? UUID().uuidString.lowercased()
        uuids[name] = uuid
        let path = try libvirtd.file(
            "\(name).xml",
            """
            <domain type='test'>
              <name>\(name)</name><uuid>\(uuid)</uuid>
              <metadata><instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-\(name)</instance-id></instance></metadata>
              <memory unit='MiB'>64</memory>
              <os><type>hvm</type></os>
              <devices><interface type='bridge'>
                <mac address='\(mac ?? guest.mac)'/><source bridge='\(guest.bridge)'/><target dev='\(tap ?? guest.tap)'/>
              </interface></devices>
            </domain>
            """)
        try libvirtd.virsh("create", path)
    }

    func destroy(_ name: String) throws { try libvirtd.virsh("destroy", name) }

    // MARK: What guests are told

    /// The body and the status that a guest is given; nothing where it cannot connect within the limit.
    func ask(
        _ guest: Guest, _ path: String = "/latest/meta-data/instance-id", at address: String = "169.254.169.254",
        seconds: Int = 8, _ options: String...
    ) throws -> String {
        let curl = [
            "curl", "-s", "-g", "--max-time", "\(seconds)", "-w", " %{http_code}", "http://\(address)\(path)",
        ]
        return try Command.run(curl + options, in: guest.namespace.name, limit: .seconds(seconds + 5)).stdout
    }

    /// A guest reads its own instance-id, soon.
    func expect(
        _ guest: Guest, is id: String? = nil, at address: String = "169.254.169.254", within limit: Duration = .seconds(3),
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let wanted = "\(id ?? guest.id) 200"
        var answer = ""
        try await eventually("\(guest.name) reads \(wanted), not '\(answer)'", within: limit, sourceLocation) {
            answer = try ask(guest, at: address, seconds: 2)
            return answer == wanted
        }
    }

    func eventually(
        _ what: @autoclosure () -> String, within limit: Duration = .seconds(5),
        _ sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
    ) async throws {
        let start = ContinuousClock.now
        while try !condition() {
            guard start.duration(to: .now) < limit else {
                let facts = "\(log.suffix(6000))\n\((try? state()) ?? "")"
                Issue.record("not within \(limit): \(what())\n\(facts)", sourceLocation: sourceLocation)
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: What the host looks like

    /// The addresses of a link, as `ip` lists them.
    func addresses(of link: String) throws -> String { try host.run("ip", "-o", "address", "show", "dev", link) }

    /// All that may matter where a guest was not served.
    func state() throws -> String {
        let commands = ["ip address", "ip route", "bridge fdb show", "ip neighbour", "nft list ruleset", "ss -ltnp"]
        let domains = try libvirtd.virsh("list", "--all")
        return try commands.map { "$ \($0)\n\(try host.run("sh", "-c", $0))" }.joined() + "$ virsh list --all\n\(domains)"
    }

    /// Our tables, as `nft` lists them; empty where there are none.
    func rules() throws -> String {
        try Command.run(["nft", "list", "ruleset"], in: host.name).stdout
    }
}
