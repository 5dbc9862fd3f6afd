import Foundation
import TestSupport

/// A host with bridges and our server, and one guest of it that asks.
struct ClientHost {
    let server: MetadataServer
    /// The network namespace of the guest that asks.
    let guest: NetworkNamespace

    /// Plugs a guest in, and starts a server for all domains of the host.
    /// - Parameters:
    ///   - asking: the guest that is plugged in; its first NIC leads to the server.
    ///   - running: those that libvirt knows.
    init(asking: Guest, running: [Guest]) async throws {
        let host: NetworkNamespace
        (host, guest) = try Self.plug(in: asking)
        server = try await Self.server(in: host, for: running)
    }

    /// Plugs a guest in that runs in a libvirtd, where it can be changed, and starts a server for it.
    /// - Parameter options: of the server.
    init(asking: Guest, in libvirtd: PrivateLibvirtd, options: [String]) async throws {
        let host: NetworkNamespace
        (host, guest) = try Self.plug(in: asking)
        server = try await MetadataServer(
            in: host, ["--connect", libvirtd.uri, "--listen", "169.254.169.254:80"] + options, until: "the inventory is complete")
        // The test driver forgets domains that come before its first friend stays.
        try libvirtd.virsh("define", try libvirtd.file("\(asking.name).xml", asking.domain))
        try libvirtd.virsh("start", asking.name)
    }

    private static func plug(in asking: Guest) throws -> (host: NetworkNamespace, guest: NetworkNamespace) {
        let host = try NetworkNamespace()
        let guest = try NetworkNamespace()
        for (number, nic) in asking.nics.enumerated() {
            let metadata = number == 0 ? ["192.168.122.1/24", "169.254.169.254/32"] : []
            try host.addBridge(nic.bridge, addresses: metadata)
            // Its own, as libvirt gives it one; else it would have that of one of its ports.
            try host.run("ip", "link", "set", nic.bridge, "address", "02:00:00:00:00:f\(number)")
            _ = try GuestLink(
                from: guest, to: nic.bridge, in: host, mac: nic.mac, addresses: [nic.address], interface: "eth\(number)",
                port: nic.port)
        }
        try guest.run("ip", "route", "add", "default", "via", "192.168.122.1")
        return (host, guest)
    }

    private static func server(in host: NetworkNamespace, for guests: [Guest]) async throws -> MetadataServer {
        let node = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml")
        try Data("<node>\(guests.map(\.domain).joined())</node>".utf8).write(to: node)
        defer { try? FileManager.default.removeItem(at: node) }
        // It listens before it has read the node.
        return try await MetadataServer(
            in: host, ["--connect", "test://\(node.path)", "--listen", "169.254.169.254:80"], until: "the inventory is complete")
    }
}
