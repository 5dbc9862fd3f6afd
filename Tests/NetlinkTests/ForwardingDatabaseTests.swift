import Common
import TestSupport
import Testing

@testable import Netlink

private let mac = MACAddress(bits: 0x5254_0000_0009)

/// An `RTM_NEWNEIGH` of bridge 7 about a hardware address behind link 3, with what a test changes.
private func entry(
    type: Int = 28, family: UInt8 = 7, port: Int32 = 3, state: UInt16 = 2, address: [UInt8] = mac.octets, bridge: Int32 = 7,
    vlan: [UInt8]? = nil
) -> Netlink.Message {
    let fixed = [family, 0, 0, 0] + Netlink.bytes(of: port) + Netlink.bytes(of: state) + [2, 0]
    let attributes = WrittenAnswer.attribute(2, address) + WrittenAnswer.attribute(9, Netlink.bytes(of: bridge))
    let tag = vlan.map { WrittenAnswer.attribute(5, $0) } ?? []
    return Netlink.Message(type: type, sequence: 1, content: (fixed + attributes + tag)[...])
}

struct ForwardingDatabaseTests {
    private func port(_ answer: Netlink.Message) throws(KernelError) -> Int32? {
        try ForwardingDatabase.port(in: answer, of: mac, onBridge: 7)
    }

    @Test(arguments: [0x02, 0x04, 0x40] as [UInt16]) func `an entry that is learned, aged or static names its port`(state: UInt16)
        throws
    {
        #expect(try port(entry(state: state)) == 3)
    }

    @Test func `an entry of the bridge or of the host names no port`() throws {
        #expect(try port(entry(state: 0x80)) == nil)
        #expect(try port(entry(port: 7)) == nil)
        #expect(try port(entry(port: 0)) == nil)
    }

    @Test func `an answer about another object is refused`() {
        let wrong = [
            entry(type: 29), entry(family: 2), entry(address: [0x52, 0x54, 0, 0, 0, 8]), entry(address: []), entry(bridge: 8),
            entry(vlan: [5, 0]),
        ]
        for answer in wrong {
            #expect(throws: KernelError(.foreignAnswer, in: "RTM_GETNEIGH")) { try port(answer) }
        }
    }

    @Test func `a truncated answer gives an error`() {
        let whole = entry()
        for length in 0..<whole.content.count {
            let cut = Netlink.Message(type: whole.type, sequence: 1, content: whole.content.prefix(length))
            #expect(throws: KernelError.self) { try port(cut) }
        }
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct ForwardingDatabaseOfABridgeTests {
    let host: NetworkNamespace
    let guests: [NetworkNamespace]
    let database: ForwardingDatabase
    let bridge: Int32
    let ports: [Int32]

    init() throws {
        (host, guests) = (try NetworkNamespace(), [try NetworkNamespace(), try NetworkNamespace()])
        try host.addBridge("br0", addresses: ["10.9.0.1/24"])
        for (number, guest) in guests.enumerated() {
            _ = try GuestLink(
                from: guest, to: "br0", in: host, mac: "52:54:00:00:00:0\(number)", addresses: ["10.9.0.1\(number)/24"],
                port: "tap\(number)")
        }
        let names = ["br0", "tap0", "tap1"]
        let indexes = try host.enter { try names.compactMap { try Links.index(ofInterface: $0) } }
        (bridge, ports) = (try #require(indexes.first), Array(indexes.dropFirst()))
        database = try host.enter { try ForwardingDatabase() }
    }

    /// Makes the bridge learn of a guest: any frame does.
    private func speak(_ guest: NetworkNamespace) throws {
        try Command.run(["timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/10.9.0.1/9"], in: guest.name)
    }

    private func port(of mac: String) throws -> Int32? {
        try database.port(of: try #require(MACAddress(mac)), onBridge: bridge)
    }

    @Test func `a guest is behind the port of its last frame`() throws {
        #expect(ports.count == 2)
        try speak(guests[0])
        #expect(try port(of: "52:54:00:00:00:00") == ports[0])
        #expect(try port(of: "52:54:00:00:00:99") == nil)
        // The other guest stops, because its own frames would move the entry back.
        try guests[0].run("ip", "link", "set", "eth0", "down")
        try guests[1].run("ip", "link", "set", "eth0", "address", "52:54:00:00:00:00")
        try speak(guests[1])
        #expect(try port(of: "52:54:00:00:00:00") == ports[1])
    }

    @Test func `a static entry counts, and a permanent one does not`() throws {
        try host.run("bridge", "fdb", "add", "52:54:00:00:00:50", "dev", "tap1", "master", "static")
        try host.run("bridge", "fdb", "add", "52:54:00:00:00:51", "dev", "tap1", "master", "permanent")
        try host.run("bridge", "fdb", "add", "52:54:00:00:00:52", "dev", "br0", "self", "permanent")
        #expect(try port(of: "52:54:00:00:00:50") == ports[1])
        #expect(try port(of: "52:54:00:00:00:51") == nil)
        #expect(try port(of: "52:54:00:00:00:52") == nil)
        let own = try host.enter { try Links.all() }.compactMap(\.mac)
        #expect(own.count == 4)
        for mac in own { #expect(try database.port(of: mac, onBridge: bridge) == nil) }
    }

    @Test func `a bridge that filters VLANs has no entries without a VLAN`() throws {
        let filter = ["ip", "link", "set", "br0", "type", "bridge", "vlan_filtering", "1"]
        // Not every kernel is built with it.
        guard try Command.run(filter, in: host.name).status == 0 else { return }
        try speak(guests[0])
        #expect(try host.run("bridge", "fdb", "show", "dev", "tap0").contains("52:54:00:00:00:00 vlan 1"))
        #expect(try port(of: "52:54:00:00:00:00") == nil)
    }

    @Test func `a missing link and a link that is not a bridge are errors`() throws {
        let mac = MACAddress(bits: 1)
        for index in [4711, 0, -1] as [Int32] {
            #expect(throws: KernelError(.noSuchDevice, in: "RTM_GETNEIGH")) { try database.port(of: mac, onBridge: index) }
        }
        #expect(throws: KernelError(.notSupported, in: "RTM_GETNEIGH")) { try database.port(of: mac, onBridge: 1) }
        #expect(throws: Never.self, "an error of before is over") { try database.port(of: mac, onBridge: bridge) }
    }
}
