import Common
import Foundation
import TestSupport
import Testing

@testable import Netlink

/// An `RTM_NEWLINK` of a bridge's port, with what a test changes.
private func link(type: Int = 16, index: Int32 = 3, flags: UInt32 = 0x1043, attributes: [UInt8]? = nil) -> Netlink.Message {
    let fixed = [0, 0, 1, 0] + Netlink.bytes(of: index) + Netlink.bytes(of: flags) + [0, 0, 0, 0]
    let usual =
        WrittenAnswer.attribute(3, Array("tap0".utf8) + [0]) + WrittenAnswer.attribute(1, [0x52, 0x54, 0, 0, 0, 9])
        + WrittenAnswer.attribute(10, [7, 0, 0, 0])
        + WrittenAnswer.attribute(18, WrittenAnswer.attribute(1, Array("veth".utf8) + [0]) + WrittenAnswer.attribute(4, []))
    return Netlink.Message(type: type, sequence: 1, content: (fixed + (attributes ?? usual))[...])
}

struct LinkTests {
    @Test func `a link has a name, index, kind, master, address and state`() throws {
        let port = try Link(link(), "RTM_GETLINK")
        let expected = Link(
            name: "tap0", index: 3, kind: "veth", master: 7, mac: MACAddress("52:54:00:00:00:09"), isUp: true)
        #expect(port == expected)
        #expect(!port.isBridge)
    }

    @Test func `missing attributes are nil`() throws {
        let bare = try Link(link(flags: 0, attributes: WrittenAnswer.attribute(3, [0x78])), "RTM_GETLINK")
        #expect(bare == Link(name: "x", index: 3, kind: nil, master: nil, mac: nil, isUp: false))
        let wide = WrittenAnswer.attribute(3, [0x78, 0]) + WrittenAnswer.attribute(1, [UInt8](repeating: 1, count: 20))
        #expect(try Link(link(attributes: wide), "RTM_GETLINK").mac == nil)
    }

    @Test func `a tap has the number of times that its carrier came up, other links do not`() throws {
        func carrierUps(_ kind: String) throws -> UInt32 {
            let info = WrittenAnswer.attribute(18, WrittenAnswer.attribute(1, Array(kind.utf8) + [0]))
            let facts = WrittenAnswer.attribute(3, [0x78, 0]) + WrittenAnswer.attribute(47, [5, 0, 0, 0]) + info
            return try Link(link(attributes: facts), "RTM_GETLINK").carrierUps
        }
        #expect(try carrierUps("tun") == 5 && carrierUps("veth") == 0)
    }

    @Test func `a tap says whether it outlives its program, and one that does not say may do so`() throws {
        func isPersistent(_ kind: String, _ facts: [UInt8]) throws -> Bool {
            let info = WrittenAnswer.attribute(1, Array(kind.utf8) + [0]) + facts
            let all = WrittenAnswer.attribute(3, [0x78, 0]) + WrittenAnswer.attribute(18, info)
            return try Link(link(attributes: all), "RTM_GETLINK").isPersistent
        }
        let yes = WrittenAnswer.attribute(2, WrittenAnswer.attribute(6, [1]))
        let no = WrittenAnswer.attribute(2, WrittenAnswer.attribute(6, [0]))
        #expect(try isPersistent("tun", yes) && isPersistent("tun", []))
        #expect(try !isPersistent("tun", no) && !isPersistent("veth", yes))
    }

    @Test func `a bridge has its VLAN and learning options`() throws {
        func bridge(_ facts: [UInt8]) throws -> Link {
            let kind = WrittenAnswer.attribute(1, Array("bridge".utf8) + [0])
            let name = WrittenAnswer.attribute(3, Array("br0".utf8) + [0])
            let info = WrittenAnswer.attribute(18, kind + WrittenAnswer.attribute(2, facts))
            return try Link(link(attributes: name + info), "RTM_GETLINK")
        }
        let plain = try bridge([])
        #expect(plain.isBridge && !plain.filtersVLANs && plain.learnsFromLinkLocal)
        #expect(try bridge(WrittenAnswer.attribute(7, [1])).filtersVLANs)
        #expect(try !bridge(WrittenAnswer.attribute(46, [1, 0, 0, 0, 3, 0, 0, 0])).learnsFromLinkLocal)
        #expect(try bridge(WrittenAnswer.attribute(46, [2, 0, 0, 0, 3, 0, 0, 0])).learnsFromLinkLocal)
    }

    @Test func `a link without a name or index is malformed, and another message is foreign`() {
        #expect(throws: KernelError(.malformedAnswer, in: "X")) { try Link(link(attributes: []), "X") }
        #expect(throws: KernelError(.malformedAnswer, in: "X")) { try Link(link(index: 0), "X") }
        #expect(throws: KernelError(.foreignAnswer, in: "X")) { try Link(link(type: 17), "X") }
    }

    @Test func `any byte may have any value, and any length`() {
        let whole = Array(link().content)
        for index in whole.indices {
            for value in UInt8.min...UInt8.max {
                var changed = whole
                changed[index] = value
                _ = try? Link(Netlink.Message(type: 16, sequence: 1, content: changed[...]), "X")
            }
            _ = try? Link(Netlink.Message(type: 16, sequence: 1, content: whole.prefix(index)), "X")
        }
    }
}

struct NetlinkListTests {
    private func part(_ datagram: [UInt8]) throws(KernelError) -> Netlink.Part {
        try Netlink.part(ofListFrom: "RTM_TEST", sequence: 7, in: datagram[...])
    }

    @Test func `entries end at the last part, and other requests' answers are ignored`() throws {
        let one = WrittenAnswer.message(type: 16, sequence: 7, [1])
        let other = WrittenAnswer.message(type: 16, sequence: 6, [2])
        let end = WrittenAnswer.message(type: 3, sequence: 7, [0, 0, 0, 0])
        #expect(try part(one + other + one).entries.map(\.content) == [[1], [1]])
        #expect(try !part(one).isLast)
        #expect(try part(one + end + one) == Netlink.Part(entries: try part(one).entries, isLast: true))
        #expect(try part(WrittenAnswer.message(type: 3, sequence: 7, [])).isLast)
    }

    @Test func `a changed list is inconsistent`() throws {
        var entry = WrittenAnswer.message(type: 16, sequence: 7, [1])
        entry[6] = 0x12
        #expect(try part(entry).isInconsistent)
        #expect(try part(entry).entries.count == 1)
    }

    @Test func `an error may replace the end, or be part of it`() {
        #expect(throws: KernelError(.notSupported, in: "RTM_TEST")) { try part(WrittenAnswer.error(-95, sequence: 7)) }
        #expect(throws: KernelError(.notPermitted, in: "RTM_TEST")) {
            try part(WrittenAnswer.message(type: 3, sequence: 7, Netlink.bytes(of: Int32(-1))))
        }
        #expect(throws: KernelError(.answersLost, in: "RTM_TEST")) { try part(WrittenAnswer.message(type: 4, sequence: 7, [])) }
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct LinksOfANamespaceTests {
    let host: NetworkNamespace
    let guest: NetworkNamespace

    init() throws {
        (host, guest) = (try NetworkNamespace(), try NetworkNamespace())
        _ = try GuestLink(from: guest, to: "br0", in: host, mac: "52:54:00:00:00:09", port: "tap0")
        try host.run("ip", "link", "add", "br1", "address", "52:54:00:00:01:00", "type", "bridge")
    }

    @Test func `every link is listed with its attributes`() throws {
        let links = try host.enter { try Links.all() }
        #expect(Set(links.map(\.name)) == ["lo", "br0", "br1", "tap0"])
        let named = { (name: String) in try #require(links.first { $0.name == name }) }
        #expect(try named("br0").isBridge && named("br0").isUp)
        #expect(try named("br1").mac == MACAddress("52:54:00:00:01:00"))
        #expect(try !named("br1").isUp)
        #expect(try named("tap0").master == named("br0").index)
        #expect(try named("tap0").kind == "veth")
        #expect(try named("lo").kind == nil)
    }

    @Test func `a link is set down and up again by its index, whatever its name`() throws {
        try host.run("ip", "link", "add", "a\\\"*", "up", "type", "bridge")
        for isUp in [false, true] {
            let (link, other) = try host.enter {
                let named = { (name: String) in try #require(try Links.all().first { $0.name == name }) }
                try Links.set(try named("a\\\"*").index, up: isUp)
                return (try named("a\\\"*"), try named("br0"))
            }
            #expect(link.isUp == isUp && other.isUp)
        }
        #expect { try host.enter { try Links.set(9999, up: false) } } throws: { ($0 as? KernelError)?.code == .noSuchDevice }
    }

    @Test func `a tap that stays counts its openings at once, and a link that does not has none`() throws {
        try host.run("ip", "tuntap", "add", "dev", "tap1", "mode", "tap")
        let look = { try host.enter { try Links.link(named: "tap1").flatMap(TapOpenings.init) } }
        let haveChanged = { (seen: TapOpenings) in try host.enter { seen.haveChanged() } }
        let first = try #require(try look())
        #expect(try !haveChanged(first))
        try host.openTap("tap1")
        #expect(try haveChanged(first))
        let second = try #require(try look())
        #expect(try !haveChanged(second) && second != first)
        try host.run("ip", "link", "delete", "tap1")
        #expect(try haveChanged(second))
        #expect(try host.enter { try Links.link(named: "tap0").flatMap(TapOpenings.init) } == nil)
    }

    @Test func `a tap of several queues says when another program opens one, and no guest can hide that`() throws {
        let script = """
            import fcntl, struct, sys
            def queue():
                file = open("/dev/net/tun", "r+b", 0)
                # TUNSETIFF: IFF_TAP, IFF_NO_PI, IFF_MULTI_QUEUE.
                fcntl.ioctl(file, 0x400454CA, struct.pack("16sH22x", b"tap1", 0x0002 | 0x1000 | 0x0100))
                return file
            queues = []
            for line in sys.stdin:
                if line == "open\\n": queues.append(queue())
                # TUNSETQUEUE: IFF_DETACH_QUEUE, as a guest has it done.
                if line == "disable\\n": fcntl.ioctl(queues[0], 0x400454D9, struct.pack("16xH22x", 0x0400))
                print("has", len(queues), line.strip(), flush=True)
            """
        let (input, output) = (Pipe(), Pipe())
        let program = try RunningProgram(["python3", "-c", script], in: host, input: input, output: output.fileHandleForWriting)
        var answers = Data()
        func tell(_ line: String, andExpect answer: String) throws {
            try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
            // The program may say something else first.
            while !String(decoding: answers, as: UTF8.self).hasSuffix("\(answer)\n") {
                let more = output.fileHandleForReading.availableData
                try #require(!more.isEmpty)
                answers += more
            }
        }
        let look = { try host.enter { try Links.link(named: "tap1").flatMap(TapOpenings.init) } }
        let haveChanged = { (seen: TapOpenings) in try host.enter { seen.haveChanged() } }
        try tell("open", andExpect: "has 1 open")
        let first = try #require(try look())
        #expect(first.queues == 1)
        #expect(try !haveChanged(first))
        try tell("open", andExpect: "has 2 open")
        #expect(try haveChanged(first))
        let second = try #require(try look())
        #expect(second.queues == 2)
        try tell("disable", andExpect: "has 2 disable")
        #expect(try !haveChanged(second))
        program.kill()
        #expect(try haveChanged(second))
    }

    @Test func `a link is found by its index`() throws {
        let found = try host.enter { try [1, 0, -1, 9999].map { try Links.link(at: $0)?.name } }
        #expect(found == ["lo", nil, nil, nil])
        let (one, all) = try host.enter {
            let all = try Links.all()
            return (try all.map { try Links.link(at: $0.index) }, all)
        }
        #expect(one == all)
    }

    @Test func `a link is found only by its name`() throws {
        try host.run("ip", "link", "property", "add", "dev", "br1", "altname", "other")
        let names = ["br1", "tap0", "nolink", "", "br1\0", "other", String(repeating: "x", count: 99)]
        let found = try host.enter { try names.map { try Links.link(named: $0)?.name } }
        #expect(found == ["br1", "tap0", nil, nil, nil, nil, nil])
        let (one, all) = try host.enter { (try Links.link(named: "br1"), try Links.all()) }
        #expect(all.first { $0.name == "br1" } == one)
    }

    @Test func `a bridge has its ports, and others have none`() throws {
        let ports = try host.enter {
            try ["br0", "br1", "tap0"].map { name in
                try Links.ports(ofBridge: try Links.index(ofInterface: name) ?? 0).map(\.name)
            }
        }
        #expect(ports == [["tap0"], [], []])
        #expect(try host.enter { try Links.ports(ofBridge: 4711) } == [])
        #expect(try host.enter { try Links.ports(ofBridge: 0) } == [])
    }

    @Test func `hundreds of links come in many parts`() throws {
        let commands = (0..<300).map { "link add many\($0) type dummy" }.joined(separator: "\n")
        guard try Command.run(["ip", "-batch", "-"], in: host.name, input: commands).status == 0 else { return }
        #expect(try host.enter { try Links.all() }.filter { $0.name.hasPrefix("many") }.count == 300)
    }

    @Test func `links may change while they are listed`() async throws {
        let churn = (0..<150).map { "link add churn\($0) type bridge\nlink delete churn\($0)" }.joined(separator: "\n")
        async let churned = Command.run(["ip", "-batch", "-"], in: host.name, input: churn)
        for _ in 0..<100 {
            let names = try host.enter { () -> [String] in
                do { return try Links.all().map(\.name) } catch let error as KernelError where error.code == .interrupted {
                    return []
                }
            }
            #expect(names.isEmpty || names.filter { !$0.hasPrefix("churn") }.count == 4)
        }
        _ = try await churned
    }
}
