import CCapNG
import Common
import Dispatch
import Foundation
import TestSupport
import Testing

@testable import NFTables
@testable import Netlink

struct NFTablesQueryTests {
    private func message(_ type: Int, _ attributes: [UInt8]) -> Netlink.Message {
        Netlink.Message(type: 10 << 8 | type, sequence: 1, content: ([7, 0, 0, 0] + attributes)[...])
    }

    @Test(
        arguments: [
            ([0, 3, 0x68, 0x69, 0], "hi"), ([1, 2, 9, 9, 0, 2, 0x68, 0], "h"), ([0, 0], ""), ([1, 1, 0], nil), ([], nil),
        ] as [([UInt8], String?)])
    func `a comment is part of a table's user data`(kept: [UInt8], comment: String?) throws {
        let name = WrittenAnswer.attribute(1, [0x74, 0])
        #expect(try NFTablesQuery.comment(in: message(0, name + WrittenAnswer.attribute(6, kept)), "X") == comment)
        #expect(try NFTablesQuery.comment(in: message(0, name), "X") == nil)
    }

    @Test func `packets are big-endian`() throws {
        let bytes = WrittenAnswer.attribute(1, [0, 0, 0, 0, 0, 0, 0, 84])
        let counts = bytes + WrittenAnswer.attribute(2, [0, 0, 0, 0, 0, 0, 1, 2])
        #expect(try NFTablesQuery.packets(in: message(18, WrittenAnswer.attribute(4, counts)), "X") == 258)
    }

    @Test func `a truncated or foreign answer is an error`() {
        let malformed = KernelError(.malformedAnswer, in: "X")
        for kept in [[0], [0, 2, 0x68], [1, 0, 0]] as [[UInt8]] {
            let answer = message(0, WrittenAnswer.attribute(6, kept))
            #expect(throws: malformed) { try NFTablesQuery.comment(in: answer, "X") }
        }
        let short = WrittenAnswer.attribute(4, WrittenAnswer.attribute(2, [0, 0, 0, 1]))
        for attributes in [[], WrittenAnswer.attribute(4, []), short] {
            #expect(throws: malformed) { try NFTablesQuery.packets(in: message(18, attributes), "X") }
        }
        #expect(throws: KernelError(.foreignAnswer, in: "X")) { try NFTablesQuery.packets(in: message(0, []), "X") }
        #expect(throws: KernelError(.foreignAnswer, in: "X")) { try NFTablesQuery.comment(in: message(18, []), "X") }
    }

    @Test func `a message is short, and its locations are lines`() {
        let long = "/f:1:2-3: Error: \(String(repeating: "x", count: 999))\nadd\n ^\n/f:2:2-3: Error: no\n"
        let message = NFTablesContext.message(String(repeating: long, count: 99), path: "/f")
        let lines = message.split(separator: "\n")
        #expect(lines.count == NFTablesContext.mostLines)
        #expect(lines.map(\.count).max() == NFTablesContext.mostCharacters)
        #expect(lines[0].hasPrefix("line 1:2-3: Error: xxx") && lines[3] == "line 2:2-3: Error: no")
        #expect(NFTablesContext.message("\n", path: "/f") == "libnftables gave no error message")
    }
}

@Suite(.enabled(if: NetworkNamespace.isAvailable, "needs root to make network namespaces"))
struct NFTablesOfANamespaceTests {
    let host: NetworkNamespace
    let tables: NFTables

    init() throws {
        let host = try NetworkNamespace()
        tables = try host.enter { try NFTables() }
        self.host = host
    }

    @Test(arguments: ["bridge", "inet", "ip", "ip6"])
    func `a table with its content is created, found and removed`(family: String) throws {
        #expect(try !tables.exists(table: "t", family: family))
        try tables.run(
            """
            table \(family) t {
              comment "made by a test"
              set ports { type ifname; elements = { "tap0", "tap1" }; }
              map ways { type ifname : ether_addr; elements = { "tap0" : 52:54:00:00:00:01 }; }
              chain in { type filter hook prerouting priority 0; iifname @ports accept; }
            }
            """)
        #expect(try tables.exists(table: "t", family: family))
        #expect(try !tables.exists(table: "u", family: family))
        #expect(try !tables.exists(table: "t", family: "arp"), "another family has tables of its own")
        #expect(try tables.comment(ofTable: "t", family: family) == "made by a test")
        let text = try host.run("nft", "list", "table", family, "t")
        #expect(text.contains("\"tap0\" : 52:54:00:00:00:01") && text.contains("iifname @ports accept"))
        try tables.run("delete table \(family) t")
        #expect(try !tables.exists(table: "t", family: family))
    }

    @Test func `a table without a comment and a missing table have none`() throws {
        try tables.run("add table inet plain")
        #expect(try tables.comment(ofTable: "plain", family: "inet") == nil)
        #expect(try tables.comment(ofTable: "nothing", family: "inet") == nil)
    }

    @Test func `an impossible name is not found`() throws {
        try tables.run("add table inet t")
        for name in ["", "t\0", String(repeating: "t", count: 255), String(repeating: "t", count: 99_999)] {
            #expect(try !tables.exists(table: name, family: "inet"))
            #expect(try tables.comment(ofTable: name, family: "inet") == nil)
            #expect(try tables.packets(ofCounter: name, table: "t", family: "inet") == nil)
        }
        let error = try #require(throws: NFTablesError.self) { try tables.exists(table: "t", family: "ether") }
        #expect(error.message == "nftables has no family ether" && error.code == .invalidArgument)
    }

    @Test(arguments: [
        ("add chain inet gone c", "line 2:16-19: Error:"), ("nonsense", "line 2:9-9: Error: syntax error"),
        ("add chain inet t c { type filter hook nowhere priority 0; }", "line 2:39-45: Error:"),
        ("delete element inet t s { \"x\" }", "line 2:27-29: Error:"),
    ])
    func `an error in one line changes nothing, and the message names the line`(line: String, location: String) throws {
        try tables.run("table inet t { set s { type ifname; }; }")
        let before = try host.run("nft", "list", "ruleset")
        let error = try #require(throws: NFTablesError.self) {
            try tables.run("add element inet t s { \"tap0\" }\n\(line)\nadd table inet other\n")
        }
        #expect(error.message.contains(location) && error.message.contains(line), "\(error)")
        #expect(!error.message.contains("/proc") && !error.message.hasSuffix("\n"))
        #expect(error.code == nil)
        #expect(try host.run("nft", "list", "ruleset") == before)
        try tables.run("add element inet t s { \"tap0\" }")
        #expect(try host.run("nft", "list", "set", "inet", "t", "s").contains("tap0"), "an error of before is over")
    }

    @Test func `packets are counted by an existing counter`() throws {
        try tables.run(
            """
            table inet t {
              counter knocks { }
              chain out { type filter hook output priority 0; udp dport 9 counter name knocks; }
            }
            """)
        #expect(try tables.packets(ofCounter: "knocks", table: "t", family: "inet") == 0)
        for _ in 0..<3 { try host.run("bash", "-c", "echo > /dev/udp/127.0.0.1/9") }
        #expect(try tables.packets(ofCounter: "knocks", table: "t", family: "inet") == 3)
        #expect(try tables.packets(ofCounter: "none", table: "t", family: "inet") == nil)
        #expect(try tables.packets(ofCounter: "knocks", table: "u", family: "inet") == nil)
        #expect(try tables.packets(ofCounter: "knocks", table: "t", family: "bridge") == nil)
    }

    @Test func `the tables of four thousand guests are created and changed`() throws {
        let ports = (0..<4000).map { "\"tap\($0)\"" }
        let pairs = ports.enumerated().map { number, port in
            let (high, low) = (String(number >> 8, radix: 16), String(number & 255, radix: 16))
            return "\(port) . 52:54:00:00:\(high):\(low)"
        }
        try tables.run(
            """
            table bridge t {
              set ports { type ifname; elements = { \(ports.joined(separator: ", ")) }; }
              set pairs { type ifname . ether_addr; elements = { \(pairs.joined(separator: ", ")) }; }
            }
            """)
        let count = { (set: String) in
            try host.run("nft", "list", "set", "bridge", "t", set).components(separatedBy: "\"tap").count - 1
        }
        #expect(try count("ports") == 4000)
        #expect(try count("pairs") == 4000)
        let half = ports.prefix(2000).joined(separator: ", ")
        try tables.run("delete element bridge t ports { \(half) }\nadd element bridge t ports { \"tap0\", \"new\" }")
        #expect(try count("ports") == 2001)
        let error = try #require(throws: NFTablesError.self) {
            try tables.run("delete element bridge t pairs { \(pairs.joined(separator: ", ")), nonsense }")
        }
        #expect(error.message.utf8.count < 4096, "a message is for people")
    }

    @Test func `changes of other processes are seen`() throws {
        let script = "add table inet t\nadd set inet t s { type ifname; }\nadd element inet t s { \"tap0\" }"
        for _ in 0..<3 {
            try tables.run(script)
            try host.run("nft", "delete", "table", "inet", "t")
            #expect(try !tables.exists(table: "t", family: "inet"))
            #expect(throws: NFTablesError.self) { try tables.run("add element inet t s { \"tap1\" }") }
        }
        try host.run("nft", "add table inet t; add set inet t other { type ether_addr; }")
        try tables.run("add element inet t other { 52:54:00:00:00:01 }")
    }

    @Test func `it works only in the namespace in which it was created`() throws {
        let name = "t\(host.name.replacing("-", with: "_"))"
        try tables.run("add table inet \(name)")
        #expect(try host.run("nft", "list", "tables").contains(name))
        #expect(try !Command.succeed(["nft", "list", "tables"]).contains(name))
        let other = try NetworkNamespace()
        #expect(try !other.enter { try NFTables().exists(table: name, family: "inet") })
        let tables = tables
        #expect(try other.enter { try tables.exists(table: name, family: "inet") })
        try other.enter { try tables.run("add table bridge \(name)") }
        #expect(try host.run("nft", "list", "tables").contains("table bridge \(name)"))
        #expect(try other.run("nft", "list", "tables") == "")
    }

    @Test func `two threads may use it at once`() throws {
        try tables.run("table inet t { set s { type ifname; }; counter c { }; }")
        let wrong = Locked<[String]>([])
        let tables = tables
        DispatchQueue.concurrentPerform(iterations: 2) { number in
            do throws(NFTablesError) {
                for round in 0..<50 {
                    try tables.run("add element inet t s { \"tap\(number).\(round)\" }")
                    guard try tables.packets(ofCounter: "c", table: "t", family: "inet") == 0 else {
                        throw NFTablesError(message: "no counter")
                    }
                }
            } catch {
                wrong.withLock { $0.append(error.message) }
            }
        }
        #expect(wrong.withLock { $0 } == [])
        #expect(try host.run("nft", "list", "set", "inet", "t", "s").components(separatedBy: "\"tap").count - 1 == 100)
    }

    @Test func `without the capability each call fails`() throws {
        let tables = tables
        try tables.run("add table inet t")
        let codes = try host.enter {
            guard capng_get_caps_process() == 0, capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, UInt32(CAP_NET_ADMIN)) == 0,
                capng_apply(CAPNG_SELECT_CAPS) == 0
            else { throw KernelError(.notPermitted, in: "capng_apply") }
            return [
                Self.code { () throws(NFTablesError) in _ = try NFTables() },
                Self.code { () throws(NFTablesError) in try tables.run("delete table inet t") },
                Self.code { () throws(NFTablesError) in try tables.run("nonsense") },
                Self.code { () throws(NFTablesError) in _ = try tables.exists(table: "t", family: "inet") },
                Self.code { () throws(NFTablesError) in _ = try tables.comment(ofTable: "t", family: "inet") },
                Self.code { () throws(NFTablesError) in _ = try tables.packets(ofCounter: "c", table: "t", family: "inet") },
            ]
        }
        #expect(codes == Array(repeating: .notPermitted, count: 6))
        #expect(try tables.exists(table: "t", family: "inet"))
    }

    private static func code(_ body: () throws(NFTablesError) -> Void) -> KernelError.Code? {
        do throws(NFTablesError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test(.enabled(if: sysconf(Int32(_SC_OPEN_MAX)) > 1500, "needs more open files than select(2) takes"))
    func `it works with many open files, but cannot be created then`() throws {
        var files: [FileHandle] = []
        defer { for file in files { try? file.close() } }
        while files.last.map({ $0.fileDescriptor < 1024 }) ?? true {
            files.append(try FileHandle(forReadingFrom: URL(filePath: "/dev/null")))
        }
        try tables.run("add table inet t")
        #expect(try tables.exists(table: "t", family: "inet"))
        let error = try #require(throws: NFTablesError.self) { try host.enter { try NFTables() } }
        #expect(error.code == .tooManyFiles)
    }
}
