import FoundationEssentials
import Inventory
import Yams

/// Where settings come from, the weakest first: the file, the environment, the command line.
extension Configuration {
    /// The file that is read if it is there and no other is named.
    static let defaultFile = "/etc/virt-metadata/config.yaml"

    /// The one key that is no row of the table: what it holds is no single value.
    private static let defaultsKey = "defaults"

    /// The variable that names another.
    private static let fileVariable = Setting.variablePrefix + "CONFIG"

    /// Puts the three sources together.
    ///
    /// - Parameters:
    ///   - file: the file that the command line names, if it names one.
    ///   - flags: values by setting, as the command line has them.
    static func load(
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

    private mutating func set(_ setting: Setting, to values: [String], from place: String) throws(ConfigurationError) {
        guard values.allSatisfy({ !$0.isEmpty }) else { throw ConfigurationError(place: place, problem: "has no value") }
        do {
            try setting.apply(values, &self)
            remember(setting.name, values)
        } catch {
            throw ConfigurationError(place: place, problem: error.problem)
        }
    }

    // MARK: The environment

    private mutating func read(environment: [String: String]) throws(ConfigurationError) {
        let settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.variable, $0) })
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(Setting.variablePrefix) {
            if variable == Self.fileVariable { continue }
            guard let setting = settings[variable] else {
                throw ConfigurationError(
                    place: "environment variable \(variable)",
                    problem: "there is no such setting" + Self.advice(variable, settings.keys))
            }
            try set(setting, to: setting.kind == .list ? Self.parts(of: text) : [text], from: "environment variable \(variable)")
        }
    }

    /// The values of a list that is written in one text, between commas; a place with nothing in it is an empty value.
    static func parts(of text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func advice(_ name: String, _ known: some Collection<String>) -> String {
        nearestWord(to: name, among: known).map { "; is '\($0)' meant?" } ?? ""
    }

    // MARK: The file

    private mutating func read(file path: String, namedBy source: String) throws(ConfigurationError) {
        guard !path.isEmpty else { throw ConfigurationError(place: source, problem: "has no value") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(place: path, problem: "cannot be read; is it there, and may this user read it?")
        }
        try read(data, of: path)
    }

    /// Takes over the settings of a file.
    ///
    /// - Parameters:
    ///   - contents: the bytes in it.
    ///   - path: the name that errors give it.
    mutating func read(_ contents: some Sequence<UInt8>, of path: String) throws(ConfigurationError) {
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw ConfigurationError(place: path, problem: "is not UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Self.error(error, in: path)
        }
        guard let root, !Self.isNull(root) else { return }
        guard case .mapping(let mapping) = root else {
            throw ConfigurationError(place: Self.place(path, root), problem: "a configuration is a mapping of settings to values")
        }
        for (key, value) in mapping { try read(key, value, path) }
    }

    private mutating func read(_ key: Node, _ value: Node, _ path: String) throws(ConfigurationError) {
        let name = key.scalar?.string ?? ""
        if name == Self.defaultsKey {
            defaults = try DefaultsReading(path: path).defaults(value)
            return
        }
        guard let setting = Setting.all.first(where: { $0.name == name }) else {
            let problem = "there is no setting '\(name)'" + Self.advice(name, Setting.all.map(\.name) + [Self.defaultsKey])
            throw ConfigurationError(place: Self.place(path, key), problem: problem)
        }
        let values: [String]
        switch value {
        case let nothing where Self.isNull(nothing): values = [""]
        case .scalar(let scalar): values = setting.kind == .list ? Self.parts(of: scalar.string) : [scalar.string]
        case .sequence(let sequence) where setting.kind == .list && sequence.allSatisfy({ $0.scalar != nil }):
            values = sequence.compactMap { $0.scalar?.string }
        default:
            let expected = setting.kind == .list ? "a value or a list of values" : "one value"
            throw ConfigurationError(place: Self.place(path, value), problem: "\(name): takes \(expected)")
        }
        try set(setting, to: values, from: "\(Self.place(path, value)): \(name)")
    }

    /// The words for nothing in YAML 1.2's core schema.
    private static let nulls = ["", "~", "null", "Null", "NULL"]

    private static func isNull(_ node: Node) -> Bool {
        node.scalar.map { $0.style != .singleQuoted && $0.style != .doubleQuoted && nulls.contains($0.string) } ?? false
    }

    private static func place(_ path: String, _ node: Node) -> String {
        node.mark.map { "\(path), line \($0.line)" } ?? path
    }

    /// Yams describes an error over several lines, with the text around it; one line is enough beside the file's name.
    private static func error(_ error: any Error, in path: String) -> ConfigurationError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            ConfigurationError(place: "\(path), line \(mark.line)", problem: "is no YAML: \(problem)")
        case .reader(let problem, let offset, _, let text):
            // The line is counted here, for Yams knows only how far it came.
            ConfigurationError(
                place: "\(path), line \(1 + text.utf8.prefix(offset ?? 0).count { $0 == UInt8(ascii: "\n") })",
                problem: "is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            ConfigurationError(
                place: "\(path), line \(context.mark.line)",
                problem: "stands here and again: \(Set(duplicates).sorted().joined(separator: ", "))")
        default: ConfigurationError(place: path, problem: "is no YAML: \(error)")
        }
    }
}
