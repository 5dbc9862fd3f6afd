import Common
import Sockets
import TestSupport
import Testing

/// A host with a bridge, a guest on it, and a listener of the host's that keeps each SYN.
private struct Lab {
    let host: NetworkNamespace
    let guest: NetworkNamespace
    let listener: TCPSocket

    init(keeping: Bool = true) throws {
        (host, guest) = (try NetworkNamespace(), try NetworkNamespace())
        try host.addBridge("br0", addresses: ["10.9.0.1/24", "fd09::1/64"])
        _ = try GuestLink(
            from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09", addresses: ["10.9.0.2/24", "fd09::2/64"])
        listener = try host.enter { try TCPSocket.listener() }
        if keeping { try SavedSYN.keep(onListener: listener.descriptor) }
    }

    /// What two readings of one connection's SYN give.
    func connect(
        to address: String, from namespace: NetworkNamespace, options: [UInt8] = []
    ) throws -> (first: SavedSYN?, second: SavedSYN?) {
        let port = try listener.port()
        let client = try namespace.enter { try TCPSocket.connection(to: address, port: port, options: options) }
        let accepted = try listener.accepted()
        defer { withExtendedLifetime((client, accepted)) {} }
        let first = try SavedSYN.read(fromAccepted: accepted.descriptor)
        return (first, try SavedSYN.read(fromAccepted: accepted.descriptor))
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct SavedSYNOverBridgeTests {
    @Test(arguments: [("::ffff:10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2")])
    func `a connection from a guest has the guest's hardware address, once`(address: String, source: String) throws {
        let lab = try Lab()
        let (first, second) = try lab.connect(to: address, from: lab.guest)
        #expect(first?.sourceMAC == MACAddress("52:54:00:00:00:09"))
        #expect(first?.source == IPAddress(source))
        #expect(second == nil)
    }

    @Test(arguments: [("::ffff:127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("fd09::1", "fd09::1")])
    func `a connection from the host itself has none`(address: String, source: String) throws {
        let lab = try Lab()
        let (first, _) = try lab.connect(to: address, from: lab.host)
        #expect(first?.source == IPAddress(source))
        #expect(first?.sourceMAC == nil)
    }

    @Test func `a listener without the option saves none`() throws {
        let lab = try Lab(keeping: false)
        let (first, _) = try lab.connect(to: "fd09::1", from: lab.guest)
        #expect(first == nil)
    }

    @Test func `with SYN cookies there is none to read`() throws {
        let lab = try Lab()
        try lab.host.run("sh", "-c", "echo 2 > /proc/sys/net/ipv4/tcp_syncookies")
        let (first, _) = try lab.connect(to: "::ffff:10.9.0.1", from: lab.guest)
        #expect(first == nil)
    }

    @Test func `a guest with another's IP address still has its own hardware address`() throws {
        let lab = try Lab()
        let thief = try NetworkNamespace()
        _ = try GuestLink(from: thief, to: "br0", in: lab.host, mac: "52:54:00:00:00:66", addresses: ["10.9.0.66/24"])
        try lab.guest.run("ip", "link", "set", "eth0", "down")
        try thief.run("ip", "address", "add", "10.9.0.2/32", "dev", "eth0")
        try thief.run("ip", "route", "replace", "10.9.0.0/24", "dev", "eth0", "src", "10.9.0.2")
        let (first, _) = try lab.connect(to: "::ffff:10.9.0.1", from: thief)
        #expect(first?.source == IPAddress("10.9.0.2"))
        #expect(first?.sourceMAC == MACAddress("52:54:00:00:00:66"))
    }

    @Test func `a guest with long headers is identified or refused`() throws {
        let lab = try Lab()
        let skipped: (UInt8) -> [UInt8] = { [0x1E, $0] + [UInt8](repeating: 0, count: Int($0)) }
        let (first, _) = try lab.connect(to: "fd09::1", from: lab.guest, options: [0, 0] + skipped(4))
        #expect(first?.sourceMAC == MACAddress("52:54:00:00:00:09"))
        let swollen = [0, 75] + skipped(200) + skipped(200) + skipped(200)
        #expect(throws: KernelError(.invalidArgument, in: "getsockopt(TCP_SAVED_SYN)")) {
            try lab.connect(to: "fd09::1", from: lab.guest, options: swollen)
        }
    }
}
