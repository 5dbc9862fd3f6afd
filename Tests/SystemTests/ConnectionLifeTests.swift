import Foundation
import TestSupport
import Testing

/// A connection belongs to one run of one domain on one port: the next run or domain on the port cannot use it.
@Suite(.enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct ConnectionLifeTests {
    private static let mac = "52:54:00:0f:00:01"

    /// Connections that a guest keeps: one idle after its first answer, one with an incomplete request, and one without a request. It prints
    /// the first's response, and then how each ends.
    private final class Kept {
        private static let script = """
            import select, socket, sys, time
            def connect(text):
                one = socket.create_connection(("169.254.169.254", 80), timeout=8)
                one.sendall(text)
                return one
            kept = connect(b"GET /latest/meta-data/instance-id HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            print("kept", kept.recv(4096).decode().splitlines()[-1], flush=True)
            ends = {kept: "kept", connect(b"GET /latest/meta-data/"): "half", connect(b""): "silent"}
            print("ready", flush=True)
            limit = time.monotonic() + 9
            while ends and time.monotonic() < limit:
                for one in select.select(list(ends), [], [], 0.2)[0]:
                    try: text = one.recv(4096)
                    except OSError: text = b""
                    print(ends.pop(one), "ended" if not text else text.decode().splitlines()[-1], flush=True)
            for name in ends.values(): print(name, "open", flush=True)
            """
        private let program: RunningProgram
        private let output: URL

        init(of guest: BridgedHost.Guest) throws {
            output = FileManager.default.temporaryDirectory.appending(path: "kept-\(UUID().uuidString)")
            try Data().write(to: output)
            program = try RunningProgram(
                ["python3", "-c", Self.script], in: guest.namespace, output: try FileHandle(forWritingTo: output))
        }

        deinit { try? FileManager.default.removeItem(at: output) }

        var lines: [String] {
            ((try? String(contentsOf: output, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
        }
    }

    private func host(byTap: Bool = true) async throws -> (BridgedHost, BridgedHost.Guest, Kept) {
        let host = try BridgedHost()
        let guest = try host.guest("web", mac: Self.mac, address: "192.0.2.11/24", byTap: byTap)
        try await host.serve("--bridge", "br0")
        try await host.expect(guest)
        let kept = try Kept(of: guest)
        try await host.eventually("its connections stand") { kept.lines.contains("ready") }
        #expect(kept.lines.first == "kept i-web")
        return (host, guest, kept)
    }

    private static let ended: Set = ["kept ended", "half ended", "silent ended"]

    @Test func `they end with the domain`() async throws {
        let (host, _, kept) = try await host()
        try host.destroy("web")
        try await host.eventually("all ended: \(kept.lines)") { Self.ended.isSubset(of: kept.lines) }
    }

    @Test func `they end when the domain is restarted on the same port`() async throws {
        let (host, guest, kept) = try await host()
        try host.destroy("web")
        try host.start(guest)
        try await host.eventually("all ended: \(kept.lines)") { Self.ended.isSubset(of: kept.lines) }
        try await host.expect(guest)
    }

    @Test func `they end when another domain has the port`() async throws {
        let (host, guest, kept) = try await host()
        try host.destroy("web")
        try host.start(guest, named: "heir")
        try await host.eventually("all ended: \(kept.lines)") { Self.ended.isSubset(of: kept.lines) }
        #expect(!kept.lines.contains { $0.contains("i-heir") })
        try await host.expect(guest, is: "i-heir")
    }

    @Test func `they stay open while the domain's metadata changes`() async throws {
        let (host, guest, kept) = try await host()
        try host.libvirtd.virsh(
            "metadata", "web", "urn:virt-metadata:instance:1", "--live", "--key", "vm", "--set",
            "<instance><instance-id>i-new</instance-id></instance>")
        try await host.expect(guest, is: "i-new")
        try await host.eventually("none ended", within: .seconds(12)) { kept.lines.filter { $0.hasSuffix("open") }.count >= 2 }
        #expect(kept.lines.contains("kept open") && kept.lines.contains("silent open"), "\(kept.lines)")
    }

    @Test func `a request that is held for one domain is not answered for another`() async throws {
        let host = try BridgedHost()
        let guest = try host.guest("web", mac: Self.mac, address: "192.0.2.11/24", isKnown: false, byTap: true)
        try await host.serve("--bridge", "br0", "--hold-timeout", "10s")
        let (namespace, limit) = (guest.namespace.name, Duration.seconds(30))
        let curl = [
            "curl", "-s", "--max-time", "20", "http://169.254.169.254/latest/meta-data/instance-id", "--next", "-s", "--max-time",
            "5", "http://169.254.169.254/latest/meta-data/instance-id",
        ]
        async let answers = Command.run(curl, in: namespace, limit: limit).stdout
        try await host.eventually("the request is held") { try host.heldRequests == 1 }
        try host.start(guest)
        #expect(try await answers == "i-webi-web")
    }
}
