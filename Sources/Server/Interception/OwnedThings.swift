import Common
import JSON
import Kernel

/// What we have put into the kernel's network, so that it can be told from what an operator has: `owned.json`.
///
/// Each thing is written down before it is made, and crossed out after it is taken away. What is there and not in the file is not
/// ours. The file is JSON: `{"version": 1, "tables": [FAMILY …], "bridges": [NAME …], "addresses": [{"bridge", "index", "address"}
/// …], "learning": [{"bridge", "index"} …]}`.
struct OwnedThings: Equatable {
    /// A bridge as it was when we changed something of it: one that is made anew under its name has another index.
    struct Bridge: Hashable {
        let name: String
        let index: Int32
    }

    /// An address that we gave a bridge.
    struct Address: Hashable {
        let bridge: Bridge
        let address: IPAddress
    }

    /// Why a file cannot be used.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// The families in which we have a table.
    var tables: Set<String> = []
    /// The bridges that were served, and so stay closed until they are again.
    var bridges: Set<String> = []
    var addresses: Set<Address> = []
    /// The bridges that we told not to learn from link-local frames, and that did before.
    var learning: Set<Bridge> = []

    /// Whether nothing is ours.
    var isEmpty: Bool { self == OwnedThings() }

    init() {}

    /// Reads the file's content.
    init(_ bytes: [UInt8]) throws(Malformed) {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONParsing.value(of: bytes)
        } catch {
            throw Malformed(description: "\(error)")
        }
        guard case .integer(1)? = root["version"] else { throw Malformed(description: "has no \"version\": 1") }
        tables = Set(try Self.list("tables", of: root, Self.text))
        bridges = Set(try Self.list("bridges", of: root, Self.text))
        addresses = Set(
            try Self.list("addresses", of: root) { value in
                guard let bridge = Self.bridge(value),
                    let address = value["address"].flatMap(Self.text).flatMap({ IPAddress($0) })
                else { return nil }
                return Address(bridge: bridge, address: address)
            })
        learning = Set(try Self.list("learning", of: root, Self.bridge))
    }

    /// The file's content.
    var bytes: [UInt8] {
        let root = JSONValue.object([
            JSONMember("version", .integer(1)),
            JSONMember("tables", .array(tables.sorted().map(JSONValue.string))),
            JSONMember("bridges", .array(bridges.sorted().map(JSONValue.string))),
            JSONMember(
                "addresses",
                .array(
                    addresses.map { .object(Self.members($0.bridge) + [JSONMember("address", .string("\($0.address)"))]) }
                        .sorted { JSONEncoding.text($0) < JSONEncoding.text($1) })),
            JSONMember(
                "learning",
                .array(learning.map { .object(Self.members($0)) }.sorted { JSONEncoding.text($0) < JSONEncoding.text($1) })),
        ])
        return JSONEncoding.bytes(root) + [UInt8(ascii: "\n")]
    }

    private static func members(_ bridge: Bridge) -> [JSONMember] {
        [JSONMember("bridge", .string(bridge.name)), JSONMember("index", .integer(Int64(bridge.index)))]
    }

    private static func list<Item>(
        _ name: String, of root: JSONValue, _ read: (JSONValue) -> Item?
    ) throws(Malformed) -> [Item] {
        guard case .array(let values)? = root[name] else { throw Malformed(description: "has no list \"\(name)\"") }
        let items = values.compactMap(read)
        guard items.count == values.count else { throw Malformed(description: "\"\(name)\" holds what does not belong there") }
        return items
    }

    private static func text(_ value: JSONValue) -> String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    private static func bridge(_ value: JSONValue) -> Bridge? {
        guard let name = value["bridge"].flatMap(text), case .integer(let number)? = value["index"],
            let index = Int32(exactly: number), index > 0
        else { return nil }
        return Bridge(name: name, index: index)
    }
}
