import Common
import Glibc
import TestSupport
import Testing

@testable import Netlink

struct NetworkHintTests {
    private func hints(_ datagram: [UInt8]) -> Set<NetworkHint> {
        var announced = AnnouncedNetwork()
        return announced.hints(in: datagram[...])
    }

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

/// What counts as a change to one who has seen the announcements before.
struct AnnouncedNetworkTests {
    private typealias Announcement = WrittenAnswer

    /// `RTM_NEWLINK` of `tap0`, index 3, with further attributes.
    private func link(type: Int = 16, family: UInt8 = 0, _ attributes: [UInt8] = []) -> [UInt8] {
        let fixed = [family, 0, 0, 0] + Netlink.bytes(of: Int32(3)) + [1, 0, 0, 0, 0, 0, 0, 0]
        return Announcement.message(type: type, sequence: 0, fixed + Announcement.attribute(3, Array("tap0\0".utf8)) + attributes)
    }

    /// `RTM_NEWADDR` of an address of link 3.
    private func address(type: Int = 20, _ last: UInt8 = 1, flags: UInt8 = 0, lifetime: Int32 = 60) -> [UInt8] {
        let fixed = [2, 24, flags, 0] + Netlink.bytes(of: Int32(3))
        let times = (0..<4).flatMap { _ in Netlink.bytes(of: lifetime) }
        return Announcement.message(
            type: type, sequence: 0, fixed + Announcement.attribute(2, [10, 9, 0, last]) + Announcement.attribute(6, times))
    }

    /// The number of announcements that are changes, of each of which a reader would hear.
    private func changes(_ announcements: [UInt8]...) -> [Bool] {
        var announced = AnnouncedNetwork()
        return announcements.map { !announced.hints(in: $0[...]).isEmpty }
    }

    @Test func `a link is a change at first, and when something differs that is known of links`() {
        let (queues, master) = (Announcement.attribute(13, [1, 0, 0, 0]), Announcement.attribute(10, [9, 0, 0, 0]))
        #expect(changes(link(), link(), link(queues), link(queues)) == [true, false, false, false])
        #expect(changes(link(), link(master), link(master + queues), link()) == [true, true, false, true])
    }

    @Test func `a removed link is a change, and so is the next one with its index`() {
        #expect(changes(link(), link(type: 17), link()) == [true, true, true])
    }

    @Test func `a bridge's announcement of its port is no change`() {
        #expect(changes(link(), link(family: 7), link(type: 17, family: 7), link()) == [true, false, false, false])
    }

    @Test func `an address is a change at first, and when it becomes usable`() {
        #expect(changes(address(), address(), address(lifetime: 30), address(2)) == [true, false, false, true])
        #expect(changes(address(flags: 0x40), address(flags: 0x40), address(), address()) == [true, false, true, false])
    }

    @Test func `a removed address is a change, and so is the next one`() {
        #expect(changes(address(), address(type: 21), address()) == [true, true, true])
        #expect(changes(address(), link(type: 17), address()) == [true, true, true])
    }

    @Test func `what is not understood is a change, and everything after it`() {
        let cut = Announcement.message(type: 16, sequence: 0, [0, 0])
        #expect(changes(link(), cut, link(), link()) == [true, true, true, false])
        let overrun = Announcement.message(type: 4, sequence: 0, [])
        #expect(changes(link(), address(), overrun, link(), address()) == [true, true, true, true, true])
    }

    @Test func `a route is a change only if it may lead to the destination`() {
        func route(type: Int = 24, length: UInt8, _ destination: [UInt8]?) -> [UInt8] {
            let fixed: [UInt8] = [2, length, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0]
            let attribute = destination.map { Announcement.attribute(1, $0) } ?? []
            return Announcement.message(type: type, sequence: 0, fixed + attribute)
        }
        var announced = AnnouncedNetwork(routesTo: IPAddress(v4: 0xA9FE_A9FE))
        let hints = [
            route(length: 16, [169, 254, 0, 0]), route(type: 25, length: 16, [169, 254, 0, 0]), route(length: 0, nil),
            route(length: 16, [169, 253, 0, 0]), route(type: 25, length: 32, [169, 254, 169, 253]),
        ].map { announced.hints(in: $0[...]) }
        #expect(hints == [[.routes], [.routes], [.routes], [], []])
        #expect(changes(route(length: 16, [10, 9, 0, 0])) == [true], "without a destination all count")
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

    /// Whether one who has heard everything before gets a hint of links, and whether one who has not does.
    private func announces(_ change: () throws -> Void) throws -> (change: Bool, anything: Bool) {
        _ = try hints()
        let newcomer = try host.enter { try NetworkEvents() }
        try change()
        return (try hints().contains(.links), try newcomer.read().contains(.links))
    }

    @Test func `a guest that sets its card's offloads or carrier gives no hint`() throws {
        let guest = try NetworkNamespace()
        _ = try GuestLink(from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09")
        try host.run("ip", "tuntap", "add", "dev", "tap0", "mode", "tap", "vnet_hdr")
        try host.run("ip", "link", "set", "tap0", "master", "br0", "up")
        let tap = try host.enter { unsafe open("/dev/net/tun", O_RDWR | O_CLOEXEC) }
        defer { close(tap) }
        // `struct ifreq`: the name, and IFF_TAP, IFF_NO_PI, IFF_VNET_HDR.
        var request = Array("tap0".utf8) + [UInt8](repeating: 0, count: 36)
        (request[16], request[17]) = (0x02, 0x50)
        // TUNSETIFF, which gives the tap a carrier.
        let status = unsafe ioctl(tap, 0x4004_54CA, &request)
        #expect(status == 0)
        // A program that opens the tap itself would change its carrier: so it takes this descriptor (pidfd_getfd(2)). TUNSETOFFLOAD: TUN_F_CSUM,
        // TUN_F_TSO4, TUN_F_TSO6.
        let script = """
            import ctypes, fcntl, os
            tap = ctypes.CDLL(None).syscall(438, os.pidfd_open(\(getpid())), \(tap), 0)
            for flags in (0, 1 | 2 | 4) * 3: fcntl.ioctl(tap, 0x400454D0, flags)
            """
        let offloads = try announces { try host.run("python3", "-c", script) }
        #expect(offloads.anything && !offloads.change)
        let carrier = try announces {
            for state in ["down", "up"] { try guest.run("ip", "link", "set", "eth0", state) }
        }
        #expect(carrier.anything && !carrier.change)
    }

    @Test func `a link's change gives a hint if it is known of links`() throws {
        try host.run("ip", "link", "add", "port", "type", "veth", "peer", "name", "peer")
        func set(_ arguments: String) throws -> (change: Bool, anything: Bool) {
            try announces { try Command.succeed(["ip", "-batch", "-"], in: host.name, input: "link set dev \(arguments)") }
        }
        for change in [
            "port up", "port master br0", "port address 52:54:00:00:00:0a", "port nomaster", "port down", "port name other",
            "br0 type bridge stp_state 1", "br0 type bridge no_linklocal_learn 1",
        ] {
            #expect(try set(change).change, "\(change)")
        }
        try host.run("ip", "link", "set", "other", "master", "br0")
        #expect(try !set("other type bridge_slave learning off").change)
        for change in ["other txqueuelen 77", "other mtu 1400", "other promisc on"] {
            let announced = try set(change)
            #expect(announced.anything && !announced.change, "\(change)")
        }
    }

    @Test func `an address that is announced again gives no hint`() throws {
        // Without link-local addresses, which would come some time later.
        try host.run("ip", "link", "delete", "br0")
        try host.run("ip", "link", "add", "br1", "type", "bridge")
        try host.run("ip", "link", "set", "br1", "addrgenmode", "none")
        try host.run("ip", "link", "set", "br1", "up")
        func address(_ arguments: String) throws -> Bool {
            try Command.succeed(["ip", "-batch", "-"], in: host.name, input: "address \(arguments)")
            return try hints().contains(.addresses)
        }
        for value in ["10.9.0.1/24 dev br1", "fd09::1/64 dev br1 nodad"] {
            _ = try hints()
            #expect(try address("replace \(value) valid_lft 300 preferred_lft 300"))
            let newcomer = try host.enter { try NetworkEvents() }
            #expect(try !address("replace \(value) valid_lft 200 preferred_lft 200"))
            #expect(try newcomer.read().contains(.addresses))
            #expect(try address("delete \(value)"))
            #expect(try address("replace \(value) valid_lft 200 preferred_lft 200"), "it was removed meanwhile")
        }
    }

    @Test func `announcements from before a loss do not hide a change after it`() throws {
        let events = try host.enter { try NetworkEvents(of: [.links], bytesKept: 4096) }
        let (before, after) = ("52:54:00:00:00:0a", "52:54:00:00:00:0b")
        try host.run("ip", "link", "set", "br0", "address", before)
        let queued = (1..<99).map { "link set br0 txqueuelen \($0)" }
        let lost = "link set br0 address \(after)"
        try Command.succeed(["ip", "-batch", "-"], in: host.name, input: (queued + [lost]).joined(separator: "\n"))
        #expect(try events.read() == [.lost])
        try host.run("ip", "link", "set", "br0", "address", before)
        #expect(try events.read() == [.links])
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
