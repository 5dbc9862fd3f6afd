import Common
import FoundationEssentials
import Inventory
import YAML

/// The sources of settings, the weakest first: the file, the environment, the command line.
extension Configuration {
    /// The file that is read if it exists and no other is given.
    package static let defaultFile = "/etc/virt-metadata/config.yaml"

    /// The one key that is not in the table of settings, because its value is a mapping.
    private static let defaultsKey = "defaults"

    /// The variable that names another file.
    private static let fileVariable = Setting.variablePrefix + "CONFIG"

    /// Merges the three sources.
    ///
    /// - Parameters:
    ///   - file: the file that the command line names, if it names one.
    ///   - flags: the values of the command line, by setting.
    package static func load(
        file: String?, environment: [String: String], flags: [(name: String, values: [String])]
    ) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let path = file {
            try configuration.read(file: path, namedBy: "--config")
        } else if let path = environment[fileVariable] {
            try configuration.read(file: path, namedBy: "environment variable \(fileVariable)")
        } else if FileManager.default.fileExists(atPath: defaultFile) {
            try configuration.read(file: defaultFile, namedBy: "the default of --config")
        }
        try configuration.read(environment: environment)
        for (name, values) in flags {
            try configuration.set(Setting.named(name), to: values, from: "--\(name)")
        }
        return configuration
    }

    private mutating func set(_ setting: Setting, to values: [String], from location: String) throws(ConfigurationError) {
        guard values.allSatisfy({ !$0.isEmpty }) else { throw ConfigurationError(location: location, problem: "has no value") }
        do {
            try setting.apply(values, &self)
            remember(setting.name, values)
        } catch {
            throw ConfigurationError(location: location, problem: error.problem)
        }
    }

    // MARK: The environment

    private mutating func read(environment: [String: String]) throws(ConfigurationError) {
        let settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.variable, $0) })
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(Setting.variablePrefix) {
            if variable == Self.fileVariable { continue }
            guard let setting = settings[variable] else {
                throw ConfigurationError(
                    location: "environment variable \(variable)",
                    problem: "there is no such setting" + Self.advice(variable, settings.keys))
            }
            try set(setting, to: setting.kind == .list ? Self.parts(of: text) : [text], from: "environment variable \(variable)")
        }
    }

    /// The values of a comma-separated list; nothing between two commas is an empty value.
    package static func parts(of text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func advice(_ name: String, _ known: some Collection<String>) -> String {
        nearestWord(to: name, among: known).map { "; is '\($0)' meant?" } ?? ""
    }

    // MARK: The file

    private mutating func read(file path: String, namedBy source: String) throws(ConfigurationError) {
        guard !path.isEmpty else { throw ConfigurationError(location: source, problem: "has no value") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(location: path, problem: "cannot be read; is it there, and may this user read it?")
        }
        try read(data, of: path)
    }

    /// Reads the settings of a file.
    ///
    /// - Parameters:
    ///   - contents: the bytes of the file.
    ///   - path: its name in errors.
    package mutating func read(_ contents: some Sequence<UInt8>, of path: String) throws(ConfigurationError) {
        let bytes = Array(contents)
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw ConfigurationError(location: path, problem: "is not UTF-8")
        }
        let root: YAMLNode?
        do throws(ParseError) {
            root = try YAMLDocument.root(of: bytes)
        } catch {
            let location = error.line.map { "\(path), line \($0)" } ?? path
            throw ConfigurationError(location: location, problem: "is no YAML: \(error.problem)")
        }
        guard let root, !root.isNull else { return }
        guard case .mapping(let entries) = root.content else {
            throw ConfigurationError(
                location: Self.location(path, root), problem: "a configuration is a mapping of settings to values")
        }
        for entry in entries { try read(entry.key, entry.value, path) }
    }

    private mutating func read(_ key: YAMLNode, _ value: YAMLNode, _ path: String) throws(ConfigurationError) {
        let name = key.text ?? ""
        if name == Self.defaultsKey {
            defaults = try DefaultsReading(path: path).defaults(value)
            return
        }
        guard let setting = Setting.all.first(where: { $0.name == name }) else {
            let problem = "there is no setting '\(name)'" + Self.advice(name, Setting.all.map(\.name) + [Self.defaultsKey])
            throw ConfigurationError(location: Self.location(path, key), problem: problem)
        }
        let values: [String]
        switch value.content {
        case _ where value.isNull: values = [""]
        case .scalar(let text, _): values = setting.kind == .list ? Self.parts(of: text) : [text]
        case .sequence(let items) where setting.kind == .list && items.allSatisfy({ $0.text != nil }):
            values = items.compactMap(\.text)
        default:
            let expected = setting.kind == .list ? "a value or a list of values" : "one value"
            throw ConfigurationError(location: Self.location(path, value), problem: "\(name): takes \(expected)")
        }
        try set(setting, to: values, from: "\(Self.location(path, value)): \(name)")
    }

    private static func location(_ path: String, _ node: YAMLNode) -> String { "\(path), line \(node.line)" }
}
