import Foundation
import TestSupport
import Testing

/// A host with guests on bridges: a network namespace with the server, guests' namespaces behind veths, and a
/// libvirtd beside it whose domains name those veths as their taps.
///
/// libvirt's test driver stands for the hypervisor: it keeps the names of taps, and its guests are the attached namespaces.
final class BridgedHost {
    /// A guest's domain and its cable.
    struct Guest {
        let name: String
        let mac: String
        let bridge: String
        let namespace: NetworkNamespace

        /// The host's end of its cable.
        var tap: String { "tap-\(name)" }
        /// The instance-id that it must read.
        var id: String { "i-\(name)" }
    }

    let host: NetworkNamespace
    let libvirtd: PrivateLibvirtd
    /// Keeps the domains.
    private let connection: StandingConnection
    private(set) var server: MetadataServer?
    private var uuids: [String: String] = [:]
    private var cables: [TapCable] = []

    init() throws {
        (host, libvirtd) = (try NetworkNamespace(), try PrivateLibvirtd())
        connection = try StandingConnection(to: libvirtd.uri)
        // As systemd has it: a sender must be somewhere. Like any host it has a default route, which leads to no other machine here.
        try host.run("sh", "-c", "echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter")
        try host.run("ip", "link", "add", "wan", "type", "veth", "peer", "name", "far-wan")
        for link in ["wan", "far-wan"] { try host.run("ip", "link", "set", link, "up") }
        try host.run("ip", "address", "add", "203.0.113.2/24", "dev", "wan")
        try host.run("ip", "route", "add", "default", "via", "203.0.113.1")
    }

    /// The record of installed state.
    var runDirectory: String { libvirtd.directory + "/run" }

    /// The content of the record.
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
        _ name: String, on bridge: String = "br0", mac: String, address: String, isKnown: Bool = true, byTap: Bool = false
    ) throws -> Guest {
        let guest = Guest(name: name, mac: mac, bridge: bridge, namespace: try NetworkNamespace())
        try plug(guest, addresses: [address], byTap: byTap)
        if isKnown { try start(guest) }
        return guest
    }

    /// Connects a guest to a bridge, and adds a default route.
    ///
    /// - Parameter byTap: whether the host's end is a tap, which counts as a guest's port before its domain is known; otherwise it is a veth.
    func plug(_ guest: Guest, addresses: [String], byTap: Bool = false) throws {
        try host.addBridge(guest.bridge)
        // A fixed address, as libvirt sets one; otherwise the bridge would use that of a port, and change it with the port.
        try host.run("ip", "link", "set", guest.bridge, "address", "02:00:00:00:00:fe")
        if byTap {
            cables.append(try TapCable(from: guest.namespace, to: guest.bridge, in: host, mac: guest.mac, port: guest.tap))
            for address in addresses { try guest.namespace.run("ip", "address", "add", address, "dev", "eth0") }
        } else {
            _ = try GuestLink(
                from: guest.namespace, to: guest.bridge, in: host, mac: guest.mac, addresses: addresses, port: guest.tap)
        }
        try guest.namespace.run("ip", "route", "add", "169.254.169.254/32", "dev", "eth0")
    }

    func unplug(_ guest: Guest) throws { try host.run("ip", "link", "delete", guest.tap) }

    /// Starts a guest's domain.
    ///
    /// - Parameters:
    ///   - metadata: by default an element of the operator's, by which the domain is enabled.
    ///   - tables: `<sysinfo>`, which the guest sees.
    func start(
        _ guest: Guest, named name: String? = nil, mac: String? = nil, tap: String? = nil, metadata: String? = nil,
        tables: String = ""
    ) throws {
        let name = name ?? guest.name
        let uuid = uuids[name] ?? UUID().uuidString.lowercased()
        uuids[name] = uuid
        let element = "<instance xmlns='urn:virt-metadata:instance:1'><instance-id>i-\(name)</instance-id></instance>"
        let path = try libvirtd.file(
            "\(name).xml",
            """
            <domain type='test'>
              <name>\(name)</name><uuid>\(uuid)</uuid>
              <metadata>\(metadata ?? element)</metadata>
              <memory unit='MiB'>64</memory>
              \(tables)<os><type>hvm</type>\(tables.isEmpty ? "" : "<smbios mode='sysinfo'/>")</os>
              <devices><interface type='bridge'>
                <mac address='\(mac ?? guest.mac)'/><source bridge='\(guest.bridge)'/><target dev='\(tap ?? guest.tap)'/>
              </interface></devices>
            </domain>
            """)
        try libvirtd.virsh("create", path)
    }

    /// The instance-id of a domain without an element of the operator's.
    func instanceID(of name: String) throws -> String {
        "i-" + (try #require(uuids[name])).filter { $0 != "-" }.prefix(17)
    }

    func destroy(_ name: String) throws { try libvirtd.virsh("destroy", name) }

    // MARK: Replies to guests

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
        guard try await !TestSupport.eventually(within: limit, condition) else { return }
        let facts = "\(log.suffix(6000))\n\((try? state()) ?? "")"
        Issue.record("not within \(limit): \(what())\n\(facts)", sourceLocation: sourceLocation)
    }

    /// How many requests wait for their domain, by the server's own metrics.
    var heldRequests: Int {
        get throws {
            let socket = runDirectory + "/admin.sock"
            let metrics = try Command.run(["curl", "-s", "--unix-socket", socket, "http://server/metrics"], in: host.name).stdout
            return metrics.firstMatch(of: /(?m)^virt_metadata_held_requests (\d+)/).flatMap { Int($0.1) } ?? 0
        }
    }

    // MARK: What the host looks like

    /// The addresses of a link, as `ip` lists them.
    func addresses(of link: String) throws -> String { try host.run("ip", "-o", "address", "show", "dev", link) }

    /// Diagnostics for a guest that was not served.
    func state() throws -> String {
        let commands = ["ip address", "ip route", "bridge fdb show", "ip neighbour", "nft list ruleset", "ss -ltnp"]
        let domains = try libvirtd.virsh("list", "--all")
        return try commands.map { "$ \($0)\n\(try host.run("sh", "-c", $0))" }.joined() + "$ virsh list --all\n\(domains)"
    }

    /// The server's tables, as `nft` lists them; empty where there are none.
    func rules() throws -> String {
        try Command.run(["nft", "list", "ruleset"], in: host.name).stdout
    }
}
