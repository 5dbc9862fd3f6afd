import Common
import JSON

/// What virt-metadata has installed in the kernel's network, to distinguish it from what the operator installed: `owned.json`.
///
/// Each item is recorded before it is installed, and deleted from the record after it is removed. What the record does not name is the operator's.
/// The file is JSON: `{"version": 1, "tables": [FAMILY …], "bridges": [NAME …], "addresses": [{"bridge", "index", "address"}
/// …], "learning": [{"bridge", "index"} …]}`.
package struct InstalledState: Equatable {
    /// A bridge at the time of the change: a bridge recreated under the same name has another index.
    struct Bridge: Hashable {
        let name: String
        let index: Int32
    }

    /// An address that was added to a bridge.
    struct Address: Hashable {
        let bridge: Bridge
        let address: IPAddress
    }

    /// Why a file cannot be used.
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    /// The families in which any version of the server has had a table.
    package static let families: Set = ["netdev", "bridge", "inet"]

    /// The families in which there is a table of the server.
    var tables: Set<String> = []
    /// The bridges that were served; they stay closed until they are served again.
    package var bridges: Set<String> = []
    var addresses: Set<Address> = []
    /// The bridges on which learning from link-local frames was disabled, and had been enabled before.
    var learning: Set<Bridge> = []

    /// The bridges that have, or may have, something of virt-metadata.
    var allBridges: Set<String> { bridges.union(addresses.map(\.bridge.name)).union(learning.map(\.name)) }

    /// Whether nothing is installed.
    var isEmpty: Bool { self == InstalledState() }

    init() {}

    /// Parses the file's content. The file may belong to another user than this process's, who must gain nothing by its content: anything that the
    /// server could not have written itself is malformed, and then none of it is used.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let root: JSONValue
        do throws(ParseError) {
            root = try JSONParsing.value(of: bytes)
        } catch {
            throw Malformed(description: "\(error)")
        }
        guard case .integer(1)? = root["version"] else { throw Malformed(description: "has no \"version\": 1") }
        // Table families and link names become part of commands.
        tables = Set(try Self.list("tables", of: root) { Self.text($0).flatMap { Self.families.contains($0) ? $0 : nil } })
        bridges = Set(try Self.list("bridges", of: root) { Self.text($0).flatMap { LinkName.isPossible($0) ? $0 : nil } })
        addresses = Set(
            try Self.list("addresses", of: root) { value in
                guard let bridge = Self.bridge(value),
                    let address = value["address"].flatMap(Self.text).flatMap({ IPAddress($0) }),
                    MetadataAddress.all.contains(address)
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
        guard items.count == values.count else {
            throw Malformed(description: "invalid entry in \"\(name)\"")
        }
        return items
    }

    private static func text(_ value: JSONValue) -> String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    private static func bridge(_ value: JSONValue) -> Bridge? {
        guard let name = value["bridge"].flatMap(text), LinkName.isPossible(name), case .integer(let number)? = value["index"],
            let index = Int32(exactly: number), index > 0
        else { return nil }
        return Bridge(name: name, index: index)
    }
}
