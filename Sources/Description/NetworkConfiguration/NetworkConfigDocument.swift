import Common
import YAML

/// The operator's network configuration: cloud-init's version 2
/// (https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html), checked.
struct NetworkConfigDocument {
    /// The limit of its size, in bytes: a thousand links need fewer, and every change of the domain reads it.
    static let mostBytes = 256 << 10
    /// The key around the configuration in netplan's own files.
    static let wrapper = "network"

    /// Its links, in the order of the sections; empty if there are errors.
    private(set) var links: [NetworkConfigLink] = []
    private(set) var remarks = NetworkConfigRemarks()

    /// Whether guests can be given the configuration.
    var isUsable: Bool { !remarks.hasErrors }

    /// Parses and checks a configuration.
    ///
    /// - Parameter interfaces: the MAC addresses of the domain's interfaces.
    init(_ bytes: [UInt8], interfaces: [MACAddress]) {
        var check = NetworkConfigCheck()
        if bytes.count > Self.mostBytes {
            check.remarks.error(Self.line(1), "", "\(bytes.count) bytes: expected at most \(Self.mostBytes) (256 KiB)")
        } else {
            do throws(ParseError) {
                if let root = try YAMLDocument.root(of: bytes) {
                    for fault in PyYAMLCheck.faults(in: String(decoding: bytes, as: UTF8.self)) where fault.isTab {
                        check.remarks.error(Self.line(fault.line), "", "invalid YAML: \(fault.problem)")
                    }
                    read(root, &check)
                } else {
                    check.remarks.error(Self.line(1), "", "empty: expected version: 2, and links below ethernets")
                }
            } catch {
                // libyaml finds the end of the text in the line after the last one.
                let last = bytes.count { $0 == UInt8(ascii: "\n") } + 1
                check.remarks.error(Self.line(min(error.line ?? 1, last)), "", "invalid YAML: \(error.problem)")
            }
        }
        remarks = check.remarks
        if NetworkConfigLimits.hold(for: links, &remarks) {
            NetworkConfigReferences(links: links, others: others, renderer: renderer).check(interfaces, &remarks)
            NetworkConfigAddresses(links: links).check(&remarks)
        }
        if !isUsable { links = [] }
    }

    /// A place of the text that has no value.
    private static func line(_ line: Int) -> YAMLNode { YAMLNode(content: .sequence([]), line: line) }

    /// The names of links in sections that are not read here.
    private var others: Set<String> = []
    /// What configures the links, unless one of them says otherwise.
    private var renderer: String?

    private mutating func read(_ root: YAMLNode, _ check: inout NetworkConfigCheck) {
        var (node, path) = (root, "")
        if let wrapped = (try? NetworkConfigEntry.all(of: root))?.first(where: { $0.name == Self.wrapper }) {
            for entry in check.entries(root, "") where entry.name != Self.wrapper {
                check.remarks.error(entry.key, shown(entry.name), "unknown key next to 'network': move it below 'network'")
            }
            (node, path) = (wrapped.value, Self.wrapper)
        }
        // Of another version no key is known.
        guard hasVersion(node, path, &check) else { return }
        check.check(node, as: .mapping(NetworkConfigKey.all), at: path)
        // The check has named what is no mapping; the rest is read, so that all errors are named at once.
        let entries = Self.entries(node)
        for entry in entries where !NetworkConfigKey.sections.contains(entry.name) {
            others.formUnion(Self.entries(entry.value).map(\.name))
        }
        for section in NetworkConfigKey.sections {
            guard let found = entries.first(where: { $0.name == section }) else { continue }
            links += Self.entries(found.value).map { entry in
                NetworkConfigLink(section: section, path: check.join(path, section), entry, Self.entries(entry.value))
            }
        }
        if links.isEmpty, others.isEmpty, !check.remarks.hasErrors {
            check.remarks.note(node, path, "names no link: a guest that reads it configures no network")
        }
        if let entry = entries.first(where: { $0.name == "renderer" }) {
            renderer = entry.value.text
            check.remarks.note(entry.key, check.join(path, "renderer"), NetworkConfigConversion.unsaid)
        }
    }

    private static func entries(_ node: YAMLNode) -> [NetworkConfigEntry] { (try? NetworkConfigEntry.all(of: node)) ?? [] }

    private func hasVersion(_ node: YAMLNode, _ path: String, _ check: inout NetworkConfigCheck) -> Bool {
        let entries = check.entries(node, path)
        guard !check.remarks.hasErrors else { return false }
        guard let version = entries.first(where: { $0.name == "version" }) else {
            check.remarks.error(node, check.join(path, "version"), "missing key: expected version: 2")
            return false
        }
        guard case .integer(let number?) = version.value.scalarType, number != 2 else { return true }
        let problem = "version \(number) is not supported: expected version: 2, with links below ethernets, bonds and vlans"
        check.remarks.error(version.value, check.join(path, "version"), problem)
        return false
    }
}

/// A link of a network configuration: an entry of one of its sections.
struct NetworkConfigLink {
    let section: String
    let id: String
    /// The path in the configuration: `ethernets/lan`.
    let path: String
    let key: YAMLNode
    private let values: [String: NetworkConfigEntry]

    init(section: String, path: String, _ entry: NetworkConfigEntry, _ values: [NetworkConfigEntry]) {
        (self.section, id, key) = (section, entry.name, entry.key)
        self.path = "\(path)/\(shown(entry.name))"
        self.values = Dictionary(values.map { ($0.name, $0) }) { first, _ in first }
    }

    /// The entry of a key of the link.
    func entry(_ name: String) -> NetworkConfigEntry? { values[name] }

    func value(_ name: String) -> YAMLNode? { values[name]?.value }

    /// The value of a key of an inner mapping.
    func value(_ name: String, _ inner: String) -> YAMLNode? { entries(name).first { $0.name == inner }?.value }

    /// The entries of an inner mapping.
    func entries(_ name: String) -> [NetworkConfigEntry] {
        value(name).flatMap { try? NetworkConfigEntry.all(of: $0) } ?? []
    }

    /// The elements of a list; empty if there is none.
    func list(_ name: String) -> [YAMLNode] { value(name).map(\.elements) ?? [] }

    func boolean(_ name: String) -> Bool? { value(name)?.boolean }

    /// The MAC address by which an ethernet link is matched.
    var mac: MACAddress? { value("match", "macaddress")?.text.flatMap(MACAddress.init) }
}

extension YAMLNode {
    var isMapping: Bool { if case .mapping = content { true } else { false } }

    /// An address, also one with netplan's options, of which it is the only key.
    var address: InterfaceAddress? {
        let text = if case .mapping(let entries) = content { entries.first?.key.text } else { text }
        return text.flatMap { InterfaceAddress($0) }
    }

    var elements: [YAMLNode] { if case .sequence(let items) = content { items } else { [] } }

    /// A boolean, or the text `yes` or `no`.
    var boolean: Bool? {
        if case .boolean(let value) = scalarType { return value }
        return text == "yes" ? true : text == "no" ? false : nil
    }

    var integer: Int? {
        if case .integer(let value) = scalarType { return value }
        return nil
    }
}
