import Common
import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import Netlink

/// An `RTM_NEWNEIGH` about 10.9.0.2 on link 3, with what a test changes.
private func neighbour(
    type: Int = 28, family: UInt8 = 2, index: Int32 = 3, state: UInt16 = 2, address: [UInt8] = [10, 9, 0, 2],
    mac: [UInt8]? = [0x52, 0x54, 0, 0, 0, 9]
) -> Netlink.Message {
    let fixed = [family, 0, 0, 0] + Netlink.bytes(of: index) + Netlink.bytes(of: state) + [0, 1]
    let lladdr = mac.map { WrittenAnswer.attribute(2, $0) } ?? []
    return Netlink.Message(type: type, sequence: 1, content: (fixed + WrittenAnswer.attribute(1, address) + lladdr)[...])
}

/// An `RTM_NEWROUTE` of some type by link 4.
private func route(type: UInt8 = 1, index: [UInt8]? = [4, 0, 0, 0]) -> Netlink.Message {
    let link = index.map { WrittenAnswer.attribute(4, $0) } ?? []
    return Netlink.Message(type: 24, sequence: 1, content: ([2, 32, 0, 0, 254, 0, 0, type, 0, 0, 0, 0] + link)[...])
}

struct NeighboursTests {
    private let address = IPAddress(v4: 0x0A09_0002)

    private func mac(_ answer: Netlink.Message) throws(KernelError) -> MACAddress? {
        try Neighbours.mac(in: answer, of: address, onInterface: 3)
    }

    @Test(arguments: [0x02, 0x04, 0x08, 0x10, 0x80] as [UInt16])
    func `a resolved entry names the hardware address`(state: UInt16) throws {
        #expect(try mac(neighbour(state: state)) == MACAddress("52:54:00:00:00:09"))
    }

    @Test(arguments: [0x00, 0x01, 0x20, 0x40] as [UInt16])
    func `an unresolved entry names nothing`(state: UInt16) throws {
        #expect(try mac(neighbour(state: state)) == nil)
    }

    @Test func `an entry without a unicast hardware address names nothing`() throws {
        #expect(try mac(neighbour(mac: nil)) == nil)
        #expect(try mac(neighbour(mac: [0, 0, 0, 0, 0, 0])) == nil)
        #expect(try mac(neighbour(mac: [1, 0, 0x5E, 0, 0, 1])) == nil)
        #expect(try mac(neighbour(mac: [1, 2, 3, 4])) == nil)
        #expect(try mac(neighbour(mac: [UInt8](repeating: 2, count: 20))) == nil)
    }

    @Test func `an answer about another object is refused`() {
        let wrong = [
            neighbour(type: 29), neighbour(family: 10), neighbour(index: 4), neighbour(address: [10, 9, 0, 3]),
            neighbour(address: [10, 9, 0]),
        ]
        for answer in wrong {
            #expect(throws: KernelError(.foreignAnswer, in: "RTM_GETNEIGH")) { try mac(answer) }
        }
    }

    @Test func `a truncated answer gives an error or nothing`() {
        let whole = neighbour()
        let padding = 2
        for length in 0..<whole.content.count - padding {
            let cut = Netlink.Message(type: whole.type, sequence: 1, content: whole.content.prefix(length))
            #expect((try? mac(cut)) == nil)
        }
    }

    @Test func `a route names its link if it delivers packets`() throws {
        #expect(try Neighbours.interface(inRoute: route()) == 4)
        #expect(try Neighbours.interface(inRoute: route(type: 2)) == 4)
        #expect(try Neighbours.interface(inRoute: route(type: 7)) == nil)
        #expect(try Neighbours.interface(inRoute: route(index: nil)) == nil)
        #expect(throws: KernelError(.malformedAnswer, in: "RTM_GETROUTE")) {
            try Neighbours.interface(inRoute: route(index: [4, 0]))
        }
        #expect(throws: KernelError(.foreignAnswer, in: "RTM_GETROUTE")) { try Neighbours.interface(inRoute: neighbour()) }
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct NeighboursOfABridgeTests {
    let host: NetworkNamespace
    let guest: NetworkNamespace
    let neighbours: Neighbours
    let bridge: Int32

    init() throws {
        (host, guest) = (try NetworkNamespace(), try NetworkNamespace())
        try host.addBridge("br0", addresses: ["10.9.0.1/24", "fd09::1/64"])
        try host.addBridge("br1", addresses: ["10.8.0.1/24"])
        _ = try GuestLink(
            from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09", addresses: ["10.9.0.2/24", "fd09::2/64"])
        neighbours = try host.enter { try Neighbours() }
        bridge = try #require(try host.enter { try Links.index(ofInterface: "br0") })
    }

    /// Makes the host learn of the guest, or fail to: a connection that is refused, or not answered.
    private func knock(_ address: String) throws {
        try Command.run(["timeout", "4", "bash", "-c", "exec 3<>/dev/tcp/\(address)/9"], in: host.name)
    }

    @Test(arguments: ["10.9.0.2", "fd09::2"])
    func `a guest that answered is found, only on its own link`(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(try neighbours.mac(of: address, onInterface: bridge) == nil, "nobody has asked for it yet")
        try knock(text)
        #expect(try neighbours.mac(of: address, onInterface: bridge) == MACAddress("52:54:00:00:00:09"))
        let other = try #require(try host.enter { try Links.index(ofInterface: "br1") })
        #expect(try neighbours.mac(of: address, onInterface: other) == nil)
    }

    @Test func `an address without an answer is not found`() throws {
        try knock("10.9.0.77")
        let entries = try host.run("ip", "neighbour")
        #expect(entries.contains("10.9.0.77 dev br0 FAILED") || entries.contains("10.9.0.77 dev br0 INCOMPLETE"))
        #expect(try neighbours.mac(of: try #require(IPAddress("10.9.0.77")), onInterface: bridge) == nil)
    }

    @Test func `a permanent entry is found, a NOARP entry is not`() throws {
        try host.run("ip", "neighbour", "add", "10.9.0.50", "lladdr", "52:54:00:00:00:50", "dev", "br0", "nud", "permanent")
        try host.run("ip", "neighbour", "add", "10.9.0.51", "lladdr", "52:54:00:00:00:51", "dev", "br0", "nud", "noarp")
        #expect(try neighbours.mac(of: IPAddress(v4: 0x0A09_0032), onInterface: bridge) == MACAddress("52:54:00:00:00:50"))
        #expect(try neighbours.mac(of: IPAddress(v4: 0x0A09_0033), onInterface: bridge) == nil)
    }

    @Test func `a missing link is an error`() {
        #expect(throws: KernelError(.noSuchDevice, in: "RTM_GETNEIGH")) {
            try neighbours.mac(of: IPAddress(v4: 1), onInterface: 4711)
        }
        #expect(throws: KernelError(.invalidArgument, in: "RTM_GETNEIGH")) {
            try neighbours.mac(of: IPAddress(v4: 1), onInterface: 0)
        }
        #expect(throws: Never.self, "an error of before is over") {
            try neighbours.mac(of: IPAddress(v4: 1), onInterface: bridge)
        }
    }

    @Test func `a route names the link toward an address`() throws {
        let loopback = try host.enter { try Links.index(ofInterface: "lo") }
        #expect(try neighbours.interface(toward: try #require(IPAddress("10.9.0.200"))) == bridge)
        #expect(try neighbours.interface(toward: try #require(IPAddress("fd09::77"))) == bridge)
        #expect(try neighbours.interface(toward: try #require(IPAddress("10.9.0.1"))) == loopback)
        #expect(try neighbours.interface(toward: try #require(IPAddress("192.0.2.1"))) == nil)
        #expect(try neighbours.interface(toward: try #require(IPAddress("2001:db8::1"))) == nil)
        try host.run("ip", "route", "add", "unreachable", "198.51.100.0/24")
        try host.run("ip", "-6", "route", "add", "unreachable", "2001:db8:1::/48")
        #expect(try neighbours.interface(toward: try #require(IPAddress("198.51.100.1"))) == nil)
        #expect(try neighbours.interface(toward: try #require(IPAddress("2001:db8:1::1"))) == nil)
    }

    @Test func `a link-local address is on the link of its zone`() throws {
        let (neighbours, bridge) = (neighbours, bridge)
        let links = try host.enter {
            try ["fe80::1%br0", "fe80::1%\(bridge)", "fe80::1%nolink", "fe80::1%-1", "fe80::1"].map { text in
                try IPAddress(text).flatMap { try neighbours.interface(toward: $0) }
            }
        }
        #expect(links == [bridge, bridge, nil, nil, nil])
    }

    @Test func `links have names and indexes`() throws {
        let bridge = bridge
        let names = try host.enter { try [bridge, 4711, 0, -1].map { try Links.name(ofInterface: $0) } }
        #expect(names == ["br0", nil, nil, nil])
        let long = String(repeating: "x", count: 99)
        let indexes = try host.enter { try ["br0", "nolink", "br0\0", "", long].map { try Links.index(ofInterface: $0) } }
        #expect(indexes == [bridge, nil, nil, nil, nil])
    }

    @Test func `several threads may query at once`() throws {
        try knock("10.9.0.2")
        let (neighbours, bridge) = (neighbours, bridge)
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            let (last, expected) = number % 2 == 0 ? (2 as UInt32, MACAddress("52:54:00:00:00:09")) : (99, nil)
            for _ in 0..<200 {
                let answer = Result { () throws(KernelError) in
                    try neighbours.mac(of: IPAddress(v4: 0x0A09_0000 + last), onInterface: bridge)
                }
                if answer != .success(expected) { wrong.add(1, ordering: .relaxed) }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }
}
