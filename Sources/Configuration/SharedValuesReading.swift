import Common
import Description
import YAML

/// Reads `defaults:` and `profiles:` of the configuration file: what is told to many instances.
///
/// Their keys are the names of the operator's elements, as paths or as nested mappings; the names of keys and tags are keys
/// themselves. In addition there are `domain`, for host names, `merge`, for all lists, and in `defaults` also `networks`, with the
/// same for guests attached to one network.
struct SharedValuesReading {
    private static let defaultsKey = "defaults"
    private static let profilesKey = "profiles"
    private static let domain = "domain"
    private static let merge = "merge"
    private static let networks = "networks"
    private static let anyInterface = "interfaces/interface"
    /// The keys of the file that this reads.
    static let keys = [defaultsKey, profilesKey]

    /// More are rather a mistake.
    private static let mostProfiles = 1000

    /// The file's name, for errors.
    let path: String
    /// What is wrong with the defaults: a server does not start with them.
    private(set) var problems: [ConfigurationError] = []
    /// What is wrong with the profiles: each costs its value.
    private(set) var faults: [ConfigurationError] = []
    private var all: InstanceDefaults.Layer?
    private var networks: [LibvirtName: InstanceDefaults.Layer] = [:]
    private var profiles: [InstanceDefaults.Layer] = []

    init(path: String) {
        self.path = path
    }

    /// What is told to many; of use where there are no problems.
    var values: InstanceDefaults { InstanceDefaults(all: all, networks: networks, profiles: profiles) }

    /// The same, with what is wrong with the values themselves in `problems` and `faults`.
    mutating func finish() -> InstanceDefaults {
        let values = values
        problems += values.defaultFindings.filter { $0.weight == .unusable }.map(error)
        faults += values.profileFindings.filter { $0.weight == .unusable }.map(error)
        faults.sort { $0.line < $1.line }
        return values
    }

    private func error(_ finding: Finding) -> ConfigurationError {
        ConfigurationError(location: "\(path):\(finding.line)", problem: "\(finding.element): \(finding.problem)")
    }

    // MARK: Layers

    /// Reads the value of one of the keys.
    mutating func read(_ key: String, _ node: YAMLNode) {
        guard key == Self.profilesKey else { return readDefaults(node) }
        guard !node.isNull else { return }
        guard case .mapping(let entries) = node.content else {
            return report("\(key): expected a mapping of names to profiles", node.line)
        }
        for entry in entries {
            guard let name = text(entry.key, at: key, isFault: true) else { continue }
            guard profiles.count < Self.mostProfiles else {
                return report("\(key): more than \(Self.mostProfiles) profiles", entry.key.line, isFault: true)
            }
            profiles.append(layer(entry.value, .profile(name), line: entry.key.line, isOuter: false))
        }
    }

    private mutating func readDefaults(_ node: YAMLNode) {
        all = layer(node, .all, line: node.line, isOuter: true)
        for entry in mapping(node, at: Self.defaultsKey, reports: false) where entry.key.text == Self.networks {
            for network in mapping(entry.value, at: "\(Self.defaultsKey): \(Self.networks)") {
                guard let name = text(network.key, at: "\(Self.defaultsKey): \(Self.networks)") else { continue }
                networks[LibvirtName(name)] = layer(network.value, .network(name), line: network.key.line, isOuter: false)
            }
        }
    }

    /// - Parameter isOuter: whether `networks` may be here, which is read separately.
    private mutating func layer(
        _ node: YAMLNode, _ kind: InstanceDefaults.Layer.Kind, line: Int, isOuter: Bool
    ) -> InstanceDefaults.Layer {
        let location = kind.location
        let isFault = if case .profile = kind { true } else { false }
        var (values, domain, merge): ([SharedValue], (String, Int)?, ListMerge?) = ([], nil, nil)
        // A profile without values may be named already.
        for entry in isFault && node.isNull ? [] : mapping(node, at: location, isFault: isFault) {
            guard let name = text(entry.key, at: location, isFault: isFault) else { continue }
            switch name {
            case "<<":
                report("\(location): merge keys (<<) are not read: write profile: NAME", entry.key.line, isFault: isFault)
            case Self.domain:
                domain = text(entry.value, at: "\(location): \(name)", isFault: isFault).map { ($0, entry.value.line) }
            case Self.merge:
                merge = entry.value.text.flatMap { ListMerge(rawValue: $0) }
                if merge == nil { report("\(location): merge: expected add or replace", entry.value.line, isFault: isFault) }
            case Self.networks where isOuter: break
            default: values += self.values(entry.value, at: name, location, isFault)
            }
        }
        return InstanceDefaults.Layer(kind, values, domain: domain, merge: merge, file: path, line: line)
    }

    // MARK: Values

    /// The values below an incomplete path.
    private mutating func values(_ node: YAMLNode, at path: String, _ location: String, _ isFault: Bool) -> [SharedValue] {
        var all: [SharedValue] = []
        switch node.content {
        case .mapping where Self.keys(of: path) != nil: all = mapped(node, at: path, adds: false, location, isFault)
        case .mapping(let entries):
            if entries.isEmpty { report("\(location): \(path): missing value", node.line, isFault: isFault) }
            for entry in entries {
                guard let name = text(entry.key, at: location, isFault: isFault) else { continue }
                let below = ElementPath.descending(from: path, to: name)
                // Without a name every interface is meant.
                all += values(entry.value, at: below == Self.anyInterface ? below + "[*]" : below, location, isFault)
            }
        case .sequence(let items):
            for item in items {
                if case .mapping = item.content, Self.keys(of: path) != nil {
                    all += mapped(item, at: path, adds: !all.isEmpty, location, isFault)
                } else if let value = value(item, at: path, adds: !all.isEmpty, location, isFault) {
                    all.append(value)
                }
            }
        case .scalar:
            if let value = value(node, at: path, adds: false, location, isFault) { all.append(value) }
        }
        return all
    }

    private mutating func value(
        _ node: YAMLNode, at path: String, adds: Bool, _ location: String, _ isFault: Bool, attributes: [Tag] = []
    ) -> SharedValue? {
        do throws(ElementPath.Failure) {
            let complete = try ElementPath(path)
            guard let text = text(node, at: "\(location): \(path)", isFault: isFault) else { return nil }
            return SharedValue(complete, Array(text.utf8), adds: adds, attributes: attributes, line: node.line)
        } catch {
            report("\(location): \(path): \(error)", node.line, isFault: isFault)
            return nil
        }
    }

    /// The keys of elements that are written as mappings; `nil` where a path leads to another element.
    private static func keys(of path: String) -> [String]? {
        if path == "userdata" { return ["content", "type"] }
        return path.hasPrefix("interfaces/") && path.hasSuffix("/route") ? ["to", "via", "metric"] : nil
    }

    /// A part of user data, or a route.
    private mutating func mapped(_ node: YAMLNode, at path: String, adds: Bool, _ location: String, _ isFault: Bool)
        -> [SharedValue]
    {
        let (known, place) = (Self.keys(of: path) ?? [], "\(location): \(path)")
        var values: [String: YAMLNode] = [:]
        for entry in mapping(node, at: place, isFault: isFault) {
            guard let name = text(entry.key, at: place, isFault: isFault) else { continue }
            guard known.contains(name) else {
                report(
                    "\(place): unknown key '\(name)': expected \(known.joined(separator: ", "))", entry.key.line, isFault: isFault
                )
                continue
            }
            values[name] = entry.value
        }
        guard let first = known.first, let content = values[first], let text = text(content, at: place, isFault: isFault) else {
            report("\(place): missing \(known[0])", node.line, isFault: isFault)
            return []
        }
        guard path == "userdata" else {
            return known.dropFirst().compactMap { name in
                values[name].flatMap { value($0, at: "\(path)[\(text)]@\(name)", adds: false, location, isFault) }
            }
        }
        let type = values["type"]?.text.map { [Tag("type", $0)] } ?? []
        return [value(content, at: path, adds: adds, location, isFault, attributes: type)].compactMap(\.self)
    }

    // MARK: Nodes

    private mutating func mapping(
        _ node: YAMLNode, at location: String, reports: Bool = true, isFault: Bool = false
    ) -> [YAMLNode.Entry] {
        if case .mapping(let entries) = node.content { return entries }
        if reports { report("\(location): expected a mapping of elements to values", node.line, isFault: isFault) }
        return []
    }

    private mutating func text(_ node: YAMLNode, at location: String, isFault: Bool = false) -> String? {
        guard let text = node.text, !text.isEmpty else {
            report("\(location): expected one value", node.line, isFault: isFault)
            return nil
        }
        return text
    }

    private mutating func report(_ problem: String, _ line: Int, isFault: Bool = false) {
        let error = ConfigurationError(location: "\(path):\(line)", problem: problem)
        if isFault { faults.append(error) } else { problems.append(error) }
    }
}
