import Inventory
import Yams

/// The `defaults:` of the configuration file: what instances say whose operators have left it out.
///
/// Its keys are the words of the operator's vocabulary, as paths or as mappings of mappings; the names of keys and tags are keys
/// themselves. Beside them are `domain`, for host names, and `networks`, with the same for those plugged into one.
struct DefaultsReading {
    private static let domain = "domain"
    private static let networks = "networks"

    /// The file's name, for errors.
    let path: String

    /// Reads the value of `defaults`.
    func defaults(_ node: Node) throws(ConfigurationError) -> InstanceDefaults {
        var networks: [String: InstanceDefaults.Layer] = [:]
        let all = try layer(node, at: "defaults") { node throws(ConfigurationError) in
            for (key, value) in try mapping(node, at: "defaults: \(Self.networks)") {
                let name = try text(key, at: "defaults: \(Self.networks)")
                networks[name] = try layer(value, at: "defaults: \(Self.networks): \(name)", networks: nil)
            }
        }
        return InstanceDefaults(all: all, networks: networks)
    }

    private func layer(
        _ node: Node, at place: String, networks: ((Node) throws(ConfigurationError) -> Void)?
    ) throws(ConfigurationError) -> InstanceDefaults.Layer {
        var (values, domain): ([Value], String?) = ([], nil)
        for (key, value) in try mapping(node, at: place) {
            let name = try text(key, at: place)
            if name == Self.domain {
                domain = try text(value, at: "\(place): \(name)")
            } else if name == Self.networks, let networks {
                try networks(value)
            } else {
                values += try self.values(value, at: name, place)
            }
        }
        var assignments: [InstanceElement.Assignment] = []
        for value in values {
            assignments.append(.init(path: value.path, value: Array(value.text.utf8), adds: value.adds))
            // One more each time, so that the error is at the line of the value that brought it.
            _ = try layer(of: assignments, domain: nil, at: value.place)
        }
        return try layer(of: assignments, domain: domain, at: self.place(node, place))
    }

    private func layer(
        of assignments: [InstanceElement.Assignment], domain: String?, at place: String
    ) throws(ConfigurationError) -> InstanceDefaults.Layer {
        do throws(DefinitionFailure) {
            return try InstanceDefaults.Layer(assignments, domain: domain)
        } catch {
            throw ConfigurationError(place: place, problem: "\(error)")
        }
    }

    private struct Value {
        let path: ElementPath
        let text: String
        let adds: Bool
        let place: String
    }

    /// The values below a path that is not complete yet.
    private func values(_ node: Node, at path: String, _ place: String) throws(ConfigurationError) -> [Value] {
        switch node {
        case .mapping(let mapping):
            guard !mapping.isEmpty else {
                throw ConfigurationError(place: self.place(node, place), problem: "\(path): has nothing below it")
            }
            var all: [Value] = []
            for (key, value) in mapping {
                all += try values(value, at: ElementPath.descending(from: path, to: try text(key, at: place)), place)
            }
            return all
        case .sequence(let sequence):
            var all: [Value] = []
            for item in sequence { all.append(try value(item, at: path, adds: !all.isEmpty, place)) }
            return all
        default: return [try value(node, at: path, adds: false, place)]
        }
    }

    private func value(_ node: Node, at path: String, adds: Bool, _ place: String) throws(ConfigurationError) -> Value {
        let here = self.place(node, place)
        let complete: ElementPath
        do throws(ElementPath.Failure) {
            complete = try ElementPath(path)
        } catch {
            throw ConfigurationError(place: here, problem: "\(path): \(error)")
        }
        return Value(path: complete, text: try text(node, at: "\(place): \(path)"), adds: adds, place: here)
    }

    private func mapping(_ node: Node, at place: String) throws(ConfigurationError) -> Node.Mapping {
        guard case .mapping(let mapping) = node else {
            throw ConfigurationError(place: self.place(node, place), problem: "takes a mapping of words to values")
        }
        return mapping
    }

    private func text(_ node: Node, at place: String) throws(ConfigurationError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            throw ConfigurationError(place: self.place(node, place), problem: "takes one value, and not none")
        }
        return scalar.string
    }

    private func place(_ node: Node, _ place: String) -> String {
        (node.mark.map { "\(path), line \($0.line)" } ?? path) + ": \(place)"
    }
}
