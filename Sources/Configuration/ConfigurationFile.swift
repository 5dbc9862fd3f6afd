import Common
import Description
import Host
import YAML

/// The settings of a file.
extension ConfigurationReport {
    /// A longer file is not meant.
    private static let mostBytes = 16 << 20

    mutating func read(file path: String, namedBy source: String) {
        guard !path.isEmpty else {
            return problems.append(ConfigurationError(location: source, problem: "the name of the file is empty"))
        }
        file = path
        let bytes: [UInt8]
        do throws(KernelError) {
            bytes = try FileDescriptors.contents(of: path, mostBytes: Self.mostBytes)
        } catch {
            return problems.append(ConfigurationError(location: path, problem: "cannot read the file: \(error.message)"))
        }
        read(bytes, of: path)
    }

    mutating func read(_ bytes: [UInt8], of path: String) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            return problems.append(ConfigurationError(location: path, problem: "not UTF-8 text"))
        }
        let root: YAMLNode?
        do throws(ParseError) {
            root = try YAMLDocument.root(of: bytes)
        } catch {
            let location = error.line.map { "\(path):\($0)" } ?? path
            return problems.append(ConfigurationError(location: location, problem: "invalid YAML: \(error.problem)"))
        }
        guard let root, !root.isNull else { return }
        guard case .mapping(let entries) = root.content else {
            let problem = "expected a mapping of settings to values, such as 'log-level: info'"
            return problems.append(ConfigurationError(location: "\(path):\(root.line)", problem: problem))
        }
        let names = Dictionary(entries.map { ($0.key.text ?? "", $0.key.line) }) { first, _ in first }
        let others = problems.count
        var shared = SharedValuesReading(path: path)
        for entry in entries {
            if let key = entry.key.text, SharedValuesReading.keys.contains(key) {
                shared.read(key, entry.value)
                configuration.remember(key, .file(path, line: entry.key.line))
            } else {
                read(entry.key, entry.value, path, names)
            }
        }
        configuration.defaults = shared.finish()
        problems += shared.problems
        faults += shared.faults
        // In the order of the file.
        problems[others...].sort { $0.line < $1.line }
    }

    /// Reads one key.
    ///
    /// - Parameter lines: all keys of the file, with their lines.
    private mutating func read(_ key: YAMLNode, _ value: YAMLNode, _ path: String, _ lines: [String: Int]) {
        let (name, location) = (key.text ?? "", "\(path):\(key.line)")
        let today = Setting.formerNames[name] ?? name
        guard let setting = Setting.all.first(where: { $0.name == today }) else {
            let advice = Self.advice(name, Setting.all.map(\.name) + SharedValuesReading.keys)
            return problems.append(ConfigurationError(location: location, problem: "unknown setting '\(name)'" + advice))
        }
        if today != name {
            if let line = lines[today] {
                let problem = "'\(name)' is the former name of '\(today)' in line \(line): remove one of them"
                return problems.append(ConfigurationError(location: location, problem: problem))
            }
            hints.append("\(location): '\(name)' is now named '\(today)'; the old name still works")
        }
        guard let values = Self.values(of: value, for: setting) else {
            let expected = setting.kind == .list ? "a value or a list of values" : "one value"
            let problem = "\(name): expected \(expected)"
            return problems.append(ConfigurationError(location: "\(path):\(value.line)", problem: problem))
        }
        set(setting, to: values, shownAs: name, from: .file(path, line: value.line))
    }

    /// The values of a key; `nil` where it has other than texts.
    private static func values(of node: YAMLNode, for setting: Setting) -> [String]? {
        switch node.content {
        case _ where node.isNull: [""]
        case .scalar(let text, _): setting.kind == .list ? Configuration.parts(of: text) : [text]
        case .sequence(let items) where setting.kind == .list && items.allSatisfy({ $0.text != nil }): items.compactMap(\.text)
        default: nil
        }
    }
}
