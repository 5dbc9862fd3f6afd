/// An nftables table (nft(8)) as a value, written as a whole or as the difference to a previous value.
package struct RuleTable: Equatable {
    /// A chain and its rules, each as nft writes it.
    struct Chain: Equatable {
        /// `type … hook …` of a base chain; `nil` for one that others jump to.
        var hook: String?
        var rules: [String] = []
    }

    /// A set or a map and its elements, each as nft writes it.
    struct Elements: Equatable {
        /// `set` or `map`.
        let kind: String
        let type: String
        /// What else is said of a set whose elements rules add, such as its size.
        var options = ""
        var elements: Set<String> = []

        /// The type as nft declares it: its name, or the bytes of a packet that are looked up; with the options.
        var typing: String { (type.hasPrefix("@") ? "typeof " : "type ") + type + (options.isEmpty ? "" : "; \(options)") }
    }

    package static let name = "virt_metadata"
    /// The set of the table of the family `inet` with the names of the served bridges.
    package static let bridges = "bridges"
    /// The comment of each table, which distinguishes it from a foreign table of the same name.
    static let comment = "made by virt-metadata"

    let family: String
    var counters: [String] = []
    var sets: [String: Elements] = [:]
    var chains: [String: Chain] = [:]

    init(family: String) { self.family = family }

    /// The commands that remove a table if it exists.
    static func removal(of family: String) -> String { "add table \(family) \(name)\ndelete table \(family) \(name)\n" }

    /// The commands that create the table with its content, in place of an existing table of that name.
    var script: String {
        let sets = self.sets.sorted { $0.key < $1.key }.map { name, set in
            let elements = set.elements.isEmpty ? "" : "    elements = { \(Self.list(set.elements)) }\n"
            return "  \(set.kind) \(name) {\n    \(set.typing);\n\(elements)  }\n"
        }
        let chains = self.chains.sorted { $0.key < $1.key }.map { name, chain in
            let lines = ([chain.hook.map { "\($0); policy accept;" }].compactMap(\.self) + chain.rules).map { "    \($0)\n" }
            return "  chain \(name) {\n\(lines.joined())  }\n"
        }
        let counters = self.counters.map { "  counter \($0) { }\n" }
        return Self.removal(of: family) + "table \(family) \(Self.name) {\n  comment \"\(Self.comment)\"\n"
            + (counters + sets + chains).joined() + "}\n"
    }

    /// The commands that change the table from `old` to this; empty where both are equal, `nil` where the whole table must be recreated.
    ///
    /// Elements are removed before the chains that they jump to, and chains are added before their elements.
    func changes(from old: RuleTable) -> String? {
        guard counters == old.counters, sets.allSatisfy({ old.sets[$0.key]?.isAlike($0.value) ?? true }),
            chains.allSatisfy({ name, chain in old.chains[name].map { $0.hook == chain.hook } ?? true })
        else { return nil }
        var lines: [String] = []
        let table = "\(family) \(Self.name)"
        func change(_ verb: String, _ from: [String: Elements], _ to: [String: Elements]) {
            for (name, set) in from.sorted(by: { $0.key < $1.key }) {
                let changed = set.elements.subtracting(to[name]?.elements ?? [])
                if !changed.isEmpty { lines.append("\(verb) element \(table) \(name) { \(Self.list(changed)) }") }
            }
        }
        change("delete", old.sets, sets)
        for (name, set) in sets.sorted(by: { $0.key < $1.key }) where old.sets[name] == nil {
            lines.append("add \(set.kind) \(table) \(name) { \(set.typing); }")
        }
        let changed = chains.filter { old.chains[$0.key] != $0.value }.sorted { $0.key < $1.key }
        for (name, chain) in changed where old.chains[name] == nil {
            lines.append("add chain \(table) \(name)" + (chain.hook.map { " { \($0); policy accept; }" } ?? ""))
        }
        let gone = old.chains.keys.filter { chains[$0] == nil }.sorted()
        // The kernel removes a device's chain with the device; adding it first makes the deletion succeed in either case.
        for name in gone { lines.append("add chain \(table) \(name)") }
        for name in gone + changed.map(\.key).filter({ old.chains[$0] != nil }) { lines.append("flush chain \(table) \(name)") }
        for (name, chain) in changed { lines += chain.rules.map { "add rule \(table) \(name) \($0)" } }
        change("add", sets, old.sets)
        for name in gone { lines.append("delete chain \(table) \(name)") }
        for (name, set) in old.sets.sorted(by: { $0.key < $1.key }) where sets[name] == nil {
            lines.append("delete \(set.kind) \(table) \(name)")
        }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ elements: Set<String>) -> String { elements.sorted().joined(separator: ", ") }
}

extension RuleTable.Elements {
    fileprivate func isAlike(_ other: RuleTable.Elements) -> Bool {
        (kind, type, options) == (other.kind, other.type, other.options)
    }
}
