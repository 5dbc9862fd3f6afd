import Common
import YAML

/// Compares the values of a network configuration with their forms.
struct NetworkConfigCheck {
    var remarks = NetworkConfigRemarks()

    /// Compares a value, and those in it.
    mutating func check(_ node: YAMLNode, as form: NetworkConfigForm, at path: String) {
        if let tag = node.tag, !Self.tags.contains(tag) {
            return remarks.error(node, path, "unknown tag '\(shown(tag))': cloud-init accepts none here; remove it")
        }
        switch form {
        case .anything: checkTags(node, path)
        case .list(let element):
            guard case .sequence(let items) = node.content else { return mistake(node, path, "a list, such as [a, b]") }
            for item in items { check(item, as: element, at: path) }
        case .mapping(let keys): checkMapping(node, keys, path)
        case .ports(let range):
            for entry in entries(node, path) { check(entry.value, as: .integer(range), at: join(path, entry.name)) }
            remarks.note(node, path, "cloud-init without netplan expects another form of this value: it logs a warning or fails")
        case .interfaceAddress where node.isMapping: checkAddressOptions(node, path)
        case .links(let keys):
            for entry in entries(node, path) { check(entry.value, as: .mapping(keys), at: join(path, entry.name)) }
        default: checkScalar(node, form, path)
        }
    }

    /// The tags of YAML's own types of the values that a configuration has.
    private static let tags = Set(["str", "map", "seq", "!"].map { "tag:yaml.org,2002:\($0)" } + ["!"])

    private mutating func checkTags(_ node: YAMLNode, _ path: String) {
        switch node.content {
        case .scalar: break
        case .sequence(let items): for item in items { check(item, as: .anything, at: path) }
        case .mapping(let entries):
            for entry in entries { check(entry.value, as: .anything, at: join(path, entry.key.text ?? "")) }
        }
    }

    private mutating func mistake(_ node: YAMLNode, _ path: String, _ expectation: String) {
        let found: String
        switch node.content {
        case .scalar(let text, _):
            found = text.isEmpty ? "missing value" : "invalid value '\(shown(text))'"
        case .sequence: found = "invalid value: found a list"
        case .mapping: found = "invalid value: found a mapping"
        }
        remarks.error(node, path, "\(found): expected \(expectation)")
    }

    /// netplan's form of an address with options: `{192.0.2.10/24: {label: …}}`.
    private mutating func checkAddressOptions(_ node: YAMLNode, _ path: String) {
        let entries = entries(node, path)
        guard entries.count == 1, let entry = entries.first else {
            return mistake(node, path, NetworkConfigForm.interfaceAddress.expectation)
        }
        check(entry.key, as: .interfaceAddress, at: path)
        check(entry.value, as: .anything, at: path)
        remarks.note(node, path, "only netplan reads the options of an address; without netplan cloud-init fails on them")
    }

    // MARK: Mappings

    /// The entries of a mapping, with those that it merges (`<<`); none, and an error, if the value is another.
    mutating func entries(_ node: YAMLNode, _ path: String) -> [NetworkConfigEntry] {
        do throws(NetworkConfigEntry.Failure) {
            return try NetworkConfigEntry.all(of: node)
        } catch {
            mistake(error.node, path, error.expectation)
            return []
        }
    }

    private mutating func checkMapping(_ node: YAMLNode, _ keys: [NetworkConfigKey], _ path: String) {
        for entry in entries(node, path) {
            let inner = join(path, entry.name)
            guard let key = keys.first(where: { $0.name == entry.name }) else {
                remarks.error(entry.key, inner, Self.unknownKey(entry.name, keys))
                continue
            }
            switch key.reader {
            case .cloudInit: break
            case .netplan where key.name == "on-link":
                remarks.note(entry.key, inner, "only netplan reads this key; without netplan cloud-init drops it")
            case .netplan:
                let without = isSection(path) ? "fails" : "drops it"
                remarks.note(
                    entry.key, inner,
                    "only netplan reads this key; without netplan cloud-init \(without), and network_data.json cannot express it")
            case .deprecated(let advice): remarks.note(entry.key, inner, "deprecated: \(advice)")
            }
            check(entry.value, as: key.form, at: inner)
        }
    }

    /// Whether a path is that of the whole configuration.
    private func isSection(_ path: String) -> Bool { path.isEmpty || path == NetworkConfigDocument.wrapper }

    private static func unknownKey(_ name: String, _ keys: [NetworkConfigKey]) -> String {
        if let near = nearestWord(to: name, among: keys.map(\.name)) { return "unknown key; did you mean '\(near)'?" }
        let common = keys.filter { if case .cloudInit = $0.reader { true } else { false } }.map(\.name)
        return "unknown key: expected one of \(common.sorted().joined(separator: ", "))"
    }

    // MARK: Scalars

    private mutating func checkScalar(_ node: YAMLNode, _ form: NetworkConfigForm, _ path: String) {
        guard let text = node.text, let type = node.scalarType, type != .null else {
            return mistake(node, path, form.expectation)
        }
        if form.isText, type != .text {
            let expected = form.fits(text, .text) ? "write \"\(shown(text))\"" : "expected \(form.expectation)"
            return remarks.error(
                node, path, "'\(shown(text))' without quotation marks is \(Self.name(of: type)) in YAML: \(expected)")
        }
        guard form.fits(text, type) else { return mistake(node, path, form.expectation) }
        advise(on: text, type, node, form, path)
    }

    /// Notes on values that some readers take for others.
    private mutating func advise(
        on text: String, _ type: YAMLScalarType, _ node: YAMLNode, _ form: NetworkConfigForm, _ path: String
    ) {
        switch form {
        case .dhcp where type == .text && text == "no":
            remarks.note(node, path, "cloud-init without netplan reads the text \"no\" as true: write false")
        case .time(isText: true) where type != .text, .domains where type != .text:
            remarks.note(
                node, path, "cloud-init without netplan expects a text here and logs a warning: write \"\(shown(text))\"")
        case .time(isText: false) where type == .text:
            remarks.note(
                node, path,
                "cloud-init without netplan expects a number here and logs a warning: write a number, without quotation marks")
        case .macAddress where text != text.lowercased():
            remarks.note(node, path, "cloud-init compares MAC addresses in lower case: write \"\(text.lowercased())\"")
        case .destination where text == "default":
            remarks.note(node, path, "cloud-init without netplan fails on 'default': write 0.0.0.0/0 or \"::/0\"")
        case .destination where !text.contains("/"):
            remarks.note(node, path, "no prefix length: cloud-init without netplan takes it for /24 or /64")
        default: break
        }
    }

    private static func name(of type: YAMLScalarType) -> String {
        switch type {
        case .null: "nothing"
        case .boolean: "a boolean"
        case .integer, .real: "a number"
        case .timestamp: "a date"
        case .text: "a text"
        }
    }

    func join(_ path: String, _ name: String) -> String {
        path.isEmpty ? shown(name) : "\(path)/\(shown(name))"
    }
}

/// An entry of a mapping whose keys are texts.
struct NetworkConfigEntry: Sendable {
    /// A value that is no mapping with such keys.
    struct Failure: Error {
        let node: YAMLNode
        let expectation: String
    }

    let name: String
    let key: YAMLNode
    let value: YAMLNode

    /// The entries of a mapping and of those that it merges (https://yaml.org/type/merge.html): its own ones win, then the first.
    static func all(of node: YAMLNode) throws(Failure) -> [NetworkConfigEntry] {
        var (entries, names): ([NetworkConfigEntry], Set<String>) = ([], [])
        try add(node, to: &entries, &names)
        return entries
    }

    private static func add(
        _ node: YAMLNode, to entries: inout [NetworkConfigEntry], _ names: inout Set<String>
    ) throws(Failure) {
        guard case .mapping(let own) = node.content else {
            throw Failure(node: node, expectation: "a mapping of keys to values")
        }
        var merged: [YAMLNode] = []
        for entry in own {
            guard let name = entry.key.text else { throw Failure(node: entry.key, expectation: "a text as key") }
            if name == "<<", case .scalar(_, isPlain: true) = entry.key.content {
                let sources = if case .sequence(let items) = entry.value.content { items } else { [entry.value] }
                merged += sources
            } else {
                guard entry.key.scalarType == .text else {
                    throw Failure(node: entry.key, expectation: "a text as key, in quotation marks")
                }
                guard names.insert(name).inserted else { continue }
                entries.append(NetworkConfigEntry(name: name, key: entry.key, value: entry.value))
            }
        }
        for source in merged { try add(source, to: &entries, &names) }
    }
}
