import Common
import TestSupport
import Testing

@testable import Kernel

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct BridgePortsTests {
    let host: NetworkNamespace
    let ports: BridgePorts
    let bridge: Int32
    private let mac = MACAddress(bits: 0x52_54_00_00_00_50)

    init() throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        for port in ["tap0", "tap1"] {
            try host.run("ip", "link", "add", port, "type", "veth", "peer", "name", "far-\(port)")
            try host.run("ip", "link", "set", port, "master", "br0", "up")
        }
        bridge = try #require(try host.enter { try Links.index(ofInterface: "br0") })
        ports = try host.enter { try BridgePorts() }
        self.host = host
    }

    private func port() throws -> String? {
        let (ports, mac, bridge) = (ports, mac, bridge)
        return try host.enter { try ports.port(of: mac, onBridge: bridge) }
    }

    private func put(at port: String) throws {
        try host.run("bridge", "fdb", "replace", "\(mac)", "dev", port, "master", "static")
    }

    @Test func `an address that moves is behind its new port at once, and one that goes is behind none`() throws {
        #expect(try port() == nil)
        for name in ["tap0", "tap1", "tap0"] {
            try put(at: name)
            #expect(try port() == name)
            #expect(try port() == name, "and again, out of what is remembered")
        }
        try host.run("bridge", "fdb", "del", "\(mac)", "dev", "tap0", "master")
        #expect(try port() == nil)
    }

    @Test func `a port that is renamed is known by its new name at once`() throws {
        try put(at: "tap0")
        #expect(try port() == "tap0")
        try host.run("ip", "link", "set", "tap0", "down")
        try host.run("ip", "link", "set", "tap0", "name", "tap7")
        #expect(try port() == "tap7")
    }

    @Test func `a port that leaves, or a bridge that goes, is forgotten at once`() throws {
        try put(at: "tap0")
        #expect(try port() == "tap0")
        try host.run("ip", "link", "set", "tap0", "nomaster")
        #expect(try port() == nil)
        try put(at: "tap1")
        #expect(try port() == "tap1")
        try host.run("ip", "link", "delete", "br0")
        #expect(throws: KernelError(.noSuchDevice, in: "RTM_GETNEIGH")) { try port() }
    }

    @Test func `more news than is read at once costs what is remembered, never an old answer`() throws {
        try put(at: "tap0")
        #expect(try port() == "tap0")
        // Each is a notification; together far more than one question reads.
        let entries = (0..<4000).map { "fdb replace 52:54:01:00:\(hex($0 >> 8)):\(hex($0 & 0xFF)) dev tap1 master static" }
        try Command.succeed(["bridge", "-batch", "-"], in: host.name, input: entries.joined(separator: "\n"))
        try put(at: "tap1")
        #expect(try port() == "tap1")
        for _ in 0..<10 { #expect(try port() == "tap1") }
    }

    private func hex(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return digits.count == 1 ? "0\(digits)" : digits
    }
}
