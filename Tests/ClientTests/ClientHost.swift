import Foundation
import TestSupport

/// A host with bridges and the server, and one guest that sends requests.
struct ClientHost {
    let server: MetadataServer
    /// The network namespace of the guest.
    let guest: NetworkNamespace
    /// What runs beside the server.
    private let services: [RunningProgram]

    /// Plugs a guest in, and starts a server for all domains of the host.
    /// - Parameters:
    ///   - asking: the guest that is plugged in; its first NIC leads to the server.
    ///   - running: those that libvirt knows.
    ///   - targets: the JSON of each vendor data target, by name; they are served beside the server.
    init(asking: Guest, running: [Guest], targets: [String: String] = [:]) async throws {
        let host: NetworkNamespace
        (host, guest) = try Self.plug(in: asking)
        var options: [String] = []
        var services: [RunningProgram] = []
        for (number, (name, said)) in targets.sorted(by: { $0.key < $1.key }).enumerated() {
            services.append(try RunningProgram(["/usr/bin/python3", "-c", Self.target, "\(8000 + number)", said], in: host))
            options += ["--vendordata-target", "\(name)@http://127.0.0.1:\(8000 + number)/"]
        }
        self.services = services
        server = try await Self.server(in: host, for: running, options)
    }

    /// A vendor data target: a port of 127.0.0.1, and its response.
    private static let target = """
        import http.server, sys

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(sys.argv[2].encode())

            def log_message(self, *_):
                pass

        http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
        """

    /// Plugs a guest in that runs in a libvirtd, where it can be changed, and starts a server for it.
    /// - Parameter options: of the server.
    init(asking: Guest, in libvirtd: PrivateLibvirtd, options: [String]) async throws {
        let host: NetworkNamespace
        (host, guest) = try Self.plug(in: asking)
        services = []
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
            // A fixed address, as libvirt sets one; otherwise the bridge would use that of a port.
            try host.run("ip", "link", "set", nic.bridge, "address", "02:00:00:00:00:f\(number)")
            _ = try GuestLink(
                from: guest, to: nic.bridge, in: host, mac: nic.mac, addresses: [nic.address], interface: "eth\(number)",
                port: nic.port)
        }
        try guest.run("ip", "route", "add", "default", "via", "192.168.122.1")
        return (host, guest)
    }

    private static func server(
        in host: NetworkNamespace, for guests: [Guest], _ options: [String]
    ) async throws -> MetadataServer {
        let node = FileManager.default.temporaryDirectory.appending(path: "node-\(UUID().uuidString).xml")
        try Data("<node>\(guests.map(\.domain).joined())</node>".utf8).write(to: node)
        defer { try? FileManager.default.removeItem(at: node) }
        // It listens before it has read the node.
        return try await MetadataServer(
            in: host, ["--connect", "test://\(node.path)", "--listen", "169.254.169.254:80"] + options,
            until: "the inventory is complete")
    }
}
