import Common
import Testing

@testable import Interception

struct InstalledStateTests {
    private let bridge = InstalledState.Bridge(name: "virbr0", index: 7)

    private var state: InstalledState {
        var state = InstalledState()
        state.tables = ["bridge", "inet"]
        state.bridges = ["virbr0", "br0"]
        for address in [MetadataAddress.v4] + MetadataAddress.v6 {
            state.addresses.insert(InstalledState.Address(bridge: bridge, address: address))
        }
        state.learning = [bridge]
        return state
    }

    private static func record(tables: String = "inet", bridge: String = "br0", address: String = "169.254.169.254") -> String {
        let members = "\"bridge\": \"\(bridge)\", \"index\": 1"
        return "{\"version\": 1, \"tables\": [\"\(tables)\"], \"bridges\": [\"\(bridge)\"], \"addresses\": "
            + "[{\(members), \"address\": \"\(address)\"}], \"learning\": [{\(members)}]}"
    }

    @Test func `records of each version are read`() throws {
        for family in ["netdev", "bridge", "inet"] {
            #expect(try InstalledState(Array(Self.record(tables: family).utf8)).tables == [family])
        }
        for address in ["169.254.169.254", "fd00:ec2::254", "fe80::a9fe:a9fe"] {
            #expect(try InstalledState(Array(Self.record(address: address).utf8)).addresses.count == 1)
        }
        for bridge in ["virbr0", "br-ü", "a.b", "fifteen-bytes-x", "*"] {
            #expect(try InstalledState(Array(Self.record(bridge: bridge).utf8)).bridges == [bridge])
        }
    }

    @Test func `a written record is read unchanged`() throws {
        #expect(try InstalledState(state.bytes) == state)
        #expect(try InstalledState(InstalledState().bytes).isEmpty)
    }

    @Test func `the file is readable JSON`() {
        var state = InstalledState()
        state.learning = [bridge]
        #expect(
            String(decoding: state.bytes, as: UTF8.self)
                == "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [], "
                + "\"learning\": [{\"bridge\": \"virbr0\", \"index\": 7}]}\n")
    }

    @Test func `a truncated file is malformed`() {
        let whole = state.bytes
        for length in 0..<whole.count - 1 {
            #expect(throws: InstalledState.Malformed.self) { try InstalledState(Array(whole.prefix(length))) }
        }
    }

    @Test(arguments: [
        "{}", "[]", "{\"version\": 2, \"tables\": [], \"bridges\": [], \"addresses\": [], \"learning\": []}",
        "{\"version\": 1, \"tables\": [1], \"bridges\": [], \"addresses\": [], \"learning\": []}",
        "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [{\"bridge\": \"a\", \"index\": 0, \"address\": \"::\"}], \"learning\": []}",
        "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [{\"bridge\": \"a\", \"index\": 1, \"address\": \"x\"}], \"learning\": []}",
        // What the server's user could write to make root do more than the server does.
        record(tables: "inet operator # "), record(tables: "inet zz; flush ruleset; add table inet zz # "), record(tables: "ip"),
        record(tables: "arp"), record(tables: ""), record(tables: "inet\\n"), record(address: "198.51.100.7"),
        record(address: "169.254.169.253"),
        record(address: "fd00:ec2::253"), record(bridge: "br0\\\"; flush ruleset"),
        record(bridge: "a/b"), record(bridge: ".."), record(bridge: ""), record(bridge: "sixteen-bytes-xx"),
        record(bridge: "a b"),
        record(bridge: "a\\u009bb"), record(bridge: "a\\u0007b"), record(bridge: "a\\u00a0b"), record(bridge: "a:b"),
    ]) func `a record that no server wrote is malformed`(text: String) {
        #expect(throws: InstalledState.Malformed.self) { try InstalledState(Array(text.utf8)) }
    }
}
