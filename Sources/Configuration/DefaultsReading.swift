import Inventory
import YAML

/// Reads `defaults:` of the configuration file: the values of instances whose operators set none.
///
/// Its keys are the names of the operator's elements, as paths or as nested mappings; the names of keys and tags are keys
/// themselves. Besides them there are `domain`, for host names, and `networks`, with the same for guests attached to one network.
struct DefaultsReading {
    private static let domain = "domain"
    private static let networks = "networks"

    /// The file's name, for errors.
    let path: String

    /// Reads the value of `defaults`.
    func defaults(_ node: YAMLNode) throws(ConfigurationError) -> InstanceDefaults {
        var networks: [String: InstanceDefaults.Layer] = [:]
        let all = try layer(node, at: "defaults") { node throws(ConfigurationError) in
            for entry in try mapping(node, at: "defaults: \(Self.networks)") {
                let name = try text(entry.key, at: "defaults: \(Self.networks)")
                networks[name] = try layer(entry.value, at: "defaults: \(Self.networks): \(name)", networks: nil)
            }
        }
        return InstanceDefaults(all: all, networks: networks)
    }

    private func layer(
        _ node: YAMLNode, at location: String, networks: ((YAMLNode) throws(ConfigurationError) -> Void)?
    ) throws(ConfigurationError) -> InstanceDefaults.Layer {
        var (values, domain): ([Value], String?) = ([], nil)
        for entry in try mapping(node, at: location) {
            let (name, value) = (try text(entry.key, at: location), entry.value)
            if name == Self.domain {
                domain = try text(value, at: "\(location): \(name)")
            } else if name == Self.networks, let networks {
                try networks(value)
            } else {
                values += try self.values(value, at: name, location)
            }
        }
        var assignments: [InstanceElement.Assignment] = []
        for value in values {
            assignments.append(.init(path: value.path, value: Array(value.text.utf8), adds: value.adds))
            // Builds the layer again with each value, so that an error has the line of the value that causes it.
            _ = try layer(of: assignments, domain: nil, at: value.location)
        }
        return try layer(of: assignments, domain: domain, at: self.location(node, location))
    }

    private func layer(
        of assignments: [InstanceElement.Assignment], domain: String?, at location: String
    ) throws(ConfigurationError) -> InstanceDefaults.Layer {
        do throws(DefinitionFailure) {
            return try InstanceDefaults.Layer(assignments, domain: domain)
        } catch {
            throw ConfigurationError(location: location, problem: "\(error)")
        }
    }

    private struct Value {
        let path: ElementPath
        let text: String
        let adds: Bool
        let location: String
    }

    /// The values below an incomplete path.
    private func values(_ node: YAMLNode, at path: String, _ location: String) throws(ConfigurationError) -> [Value] {
        switch node.content {
        case .mapping(let entries):
            guard !entries.isEmpty else {
                throw ConfigurationError(location: self.location(node, location), problem: "\(path): has nothing below it")
            }
            var all: [Value] = []
            for entry in entries {
                all += try values(
                    entry.value, at: ElementPath.descending(from: path, to: try text(entry.key, at: location)), location)
            }
            return all
        case .sequence(let items):
            var all: [Value] = []
            for item in items { all.append(try value(item, at: path, adds: !all.isEmpty, location)) }
            return all
        case .scalar: return [try value(node, at: path, adds: false, location)]
        }
    }

    private func value(_ node: YAMLNode, at path: String, adds: Bool, _ location: String) throws(ConfigurationError) -> Value {
        let here = self.location(node, location)
        let complete: ElementPath
        do throws(ElementPath.Failure) {
            complete = try ElementPath(path)
        } catch {
            throw ConfigurationError(location: here, problem: "\(path): \(error)")
        }
        return Value(path: complete, text: try text(node, at: "\(location): \(path)"), adds: adds, location: here)
    }

    private func mapping(_ node: YAMLNode, at location: String) throws(ConfigurationError) -> [YAMLNode.Entry] {
        guard case .mapping(let entries) = node.content else {
            throw ConfigurationError(location: self.location(node, location), problem: "takes a mapping of words to values")
        }
        return entries
    }

    private func text(_ node: YAMLNode, at location: String) throws(ConfigurationError) -> String {
        guard let text = node.text, !text.isEmpty else {
            throw ConfigurationError(location: self.location(node, location), problem: "takes one value, and not none")
        }
        return text
    }

    private func location(_ node: YAMLNode, _ location: String) -> String {
        "\(path), line \(node.line): \(location)"
    }
}
