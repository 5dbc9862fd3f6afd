import Common
import Glibc
import TestSupport
import Testing

@testable import Netlink

struct NetworkHintTests {
    private func hints(_ datagram: [UInt8]) -> Set<NetworkHint> { NetworkEvents.hints(in: datagram[...]) }

    private func neighbour(type: Int = 28, family: UInt8, master: Int32? = nil) -> [UInt8] {
        let fixed = [family, 0, 0, 0] + Netlink.bytes(of: Int32(3)) + [2, 0, 0, 0]
        let attribute = master.map { WrittenAnswer.attribute(9, Netlink.bytes(of: $0)) } ?? []
        return WrittenAnswer.message(type: type, sequence: 0, fixed + attribute)
    }

    @Test func `each notification is a hint`() {
        #expect(hints(WrittenAnswer.message(type: 16, sequence: 0, [])) == [.links])
        #expect(hints(WrittenAnswer.message(type: 17, sequence: 0, [])) == [.links])
        #expect(hints(WrittenAnswer.message(type: 20, sequence: 0, [])) == [.addresses])
        #expect(hints(WrittenAnswer.message(type: 25, sequence: 0, [])) == [.routes])
        #expect(hints(neighbour(family: 2)) == [.neighbours(interface: 3)])
        #expect(hints(neighbour(type: 29, family: 10)) == [.neighbours(interface: 3)])
        #expect(hints(neighbour(family: 7, master: 9)) == [.forwarding(bridge: 9)])
        #expect(hints(WrittenAnswer.message(type: 4, sequence: 0, [])) == [.lost])
    }

    @Test func `malformed and unknown messages give no hint`() {
        #expect(hints([]) == [])
        #expect(hints(neighbour(family: 7)) == [], "an entry of a VXLAN")
        #expect(hints(WrittenAnswer.message(type: 99, sequence: 0, [1])) == [])
        #expect(hints(WrittenAnswer.message(type: 28, sequence: 0, [2, 0])) == [])
        let whole = neighbour(family: 7, master: 9)
        for index in whole.indices {
            for value in UInt8.min...UInt8.max {
                var changed = whole
                changed[index] = value
                _ = hints(changed)
            }
            _ = hints(Array(whole.prefix(index)))
        }
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct NetworkEventsOfANamespaceTests {
    let host: NetworkNamespace
    let events: NetworkEvents

    init() throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        events = try host.enter { try NetworkEvents() }
        self.host = host
    }

    /// Hints until nothing has come for a quarter of a second.
    private func hints() throws -> Set<NetworkHint> {
        var all: Set<NetworkHint> = []
        for _ in 0..<1000 {
            var waiting = pollfd(fd: events.descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&waiting, 1, 250) == 1 else { return all }
            all.formUnion(try events.read())
        }
        return all
    }

    @Test func `no change gives no hint`() throws {
        _ = try hints()
        #expect(try events.read() == [])
    }

    @Test func `changes of links, addresses, routes and neighbours give hints`() throws {
        let bridge = try #require(try host.enter { try Links.index(ofInterface: "br0") })
        _ = try hints()
        try host.run("ip", "neighbour", "add", "10.9.0.7", "lladdr", "52:54:00:00:00:07", "dev", "br0")
        #expect(try hints().contains(.neighbours(interface: bridge)))
        try host.run("bridge", "fdb", "add", "52:54:00:00:00:52", "dev", "br0", "self", "permanent")
        #expect(try hints().contains(.forwarding(bridge: bridge)))
        try host.run("ip", "address", "add", "10.9.0.1/24", "dev", "br0")
        #expect(try hints().isSuperset(of: [.addresses, .routes]))
        try host.run("ip", "link", "add", "br1", "type", "bridge")
        #expect(try hints().contains(.links))
        try host.run("ip", "link", "delete", "br1")
        #expect(try hints().contains(.links))
    }

    @Test func `a guest's frame changes its bridge's forwarding database`() throws {
        let guest = try NetworkNamespace()
        _ = try GuestLink(from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09")
        let bridge = try #require(try host.enter { try Links.index(ofInterface: "br0") })
        _ = try hints()
        try guest.run("ip", "link", "set", "eth0", "address", "52:54:00:00:00:0a")
        try guest.run("ip", "address", "add", "10.9.0.2/24", "dev", "eth0")
        try Command.run(["timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/10.9.0.1/9"], in: guest.name)
        #expect(try hints().contains(.forwarding(bridge: bridge)))
    }

    @Test func `an overflow of the buffer is reported as lost`() throws {
        let events = try host.enter { try NetworkEvents(of: [.neighbours], bytesKept: 4096) }
        let entries = (0..<200).map { "neighbour add 10.9.0.\($0) lladdr 52:54:00:00:00:07 dev br0" }
        try Command.succeed(["ip", "-batch", "-"], in: host.name, input: entries.joined(separator: "\n"))
        #expect(try events.read().contains(.lost))
        #expect(try events.read() == [], "and it is said once")
    }
}
