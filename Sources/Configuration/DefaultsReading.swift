import Inventory
import YAML

/// Reads `defaults:` of the configuration file: the values of instances whose operators set none.
///
/// Its keys are the names of the operator's elements, as paths or as nested mappings; the names of keys and tags are keys
/// themselves. In addition there are `domain`, for host names, and `networks`, with the same for guests attached to one network.
struct DefaultsReading {
    private static let domain = "domain"
    private static let networks = "networks"

    /// The file's name, for errors.
    let path: String
    /// All problems so far.
    private(set) var problems: [ConfigurationError] = []

    init(path: String) {
        self.path = path
    }

    /// Reads the value of `defaults`; the result is of use where there are no problems.
    mutating func defaults(_ node: YAMLNode) -> InstanceDefaults {
        let all = layer(node, at: "defaults", isOuter: true)
        var networks: [String: InstanceDefaults.Layer] = [:]
        for entry in mapping(node, at: "defaults", reports: false) where entry.key.text == Self.networks {
            for network in mapping(entry.value, at: "defaults: \(Self.networks)") {
                guard let name = text(network.key, at: "defaults: \(Self.networks)") else { continue }
                networks[name] = layer(network.value, at: "defaults: \(Self.networks): \(name)", isOuter: false)
            }
        }
        return all.map { InstanceDefaults(all: $0, networks: networks) } ?? InstanceDefaults()
    }

    /// - Parameter isOuter: whether `networks` may stand here, which is read separately.
    private mutating func layer(_ node: YAMLNode, at location: String, isOuter: Bool) -> InstanceDefaults.Layer? {
        var (values, domain): ([Value], String?) = ([], nil)
        for entry in mapping(node, at: location) {
            guard let name = text(entry.key, at: location) else { continue }
            if name == Self.domain {
                domain = text(entry.value, at: "\(location): \(name)")
                if layer(of: [], domain: domain, line: entry.value.line, location) == nil { domain = nil }
            } else if name != Self.networks || !isOuter {
                values += self.values(entry.value, at: name, location)
            }
        }
        var assignments: [InstanceElement.Assignment] = []
        for value in values {
            // Builds the layer again with each value, so that an error has the line of the value that causes it.
            let more = assignments + [.init(path: value.path, value: Array(value.text.utf8), adds: value.adds)]
            if layer(of: more, domain: nil, line: value.line, location) != nil { assignments = more }
        }
        return layer(of: assignments, domain: domain, line: node.line, location)
    }

    private mutating func layer(
        of assignments: [InstanceElement.Assignment], domain: String?, line: Int, _ location: String
    ) -> InstanceDefaults.Layer? {
        do throws(DefinitionFailure) {
            return try InstanceDefaults.Layer(assignments, domain: domain)
        } catch {
            report("\(location): \(error)", line)
            return nil
        }
    }

    private struct Value {
        let path: ElementPath
        let text: String
        let adds: Bool
        let line: Int
    }

    /// The values below an incomplete path.
    private mutating func values(_ node: YAMLNode, at path: String, _ location: String) -> [Value] {
        var all: [Value] = []
        switch node.content {
        case .mapping(let entries):
            if entries.isEmpty { report("\(location): \(path): missing value", node.line) }
            for entry in entries {
                guard let name = text(entry.key, at: location) else { continue }
                all += values(entry.value, at: ElementPath.descending(from: path, to: name), location)
            }
        case .sequence(let items):
            for item in items {
                if let value = value(item, at: path, adds: !all.isEmpty, location) { all.append(value) }
            }
        case .scalar:
            if let value = value(node, at: path, adds: false, location) { all.append(value) }
        }
        return all
    }

    private mutating func value(_ node: YAMLNode, at path: String, adds: Bool, _ location: String) -> Value? {
        do throws(ElementPath.Failure) {
            let complete = try ElementPath(path)
            guard let text = text(node, at: "\(location): \(path)") else { return nil }
            return Value(path: complete, text: text, adds: adds, line: node.line)
        } catch {
            report("\(location): \(path): \(error)", node.line)
            return nil
        }
    }

    private mutating func mapping(_ node: YAMLNode, at location: String, reports: Bool = true) -> [YAMLNode.Entry] {
        if case .mapping(let entries) = node.content { return entries }
        if reports { report("\(location): expected a mapping of elements to values", node.line) }
        return []
    }

    private mutating func text(_ node: YAMLNode, at location: String) -> String? {
        guard let text = node.text, !text.isEmpty else {
            report("\(location): expected one value", node.line)
            return nil
        }
        return text
    }

    private mutating func report(_ problem: String, _ line: Int) {
        problems.append(ConfigurationError(location: "\(path):\(line)", problem: problem))
    }
}
