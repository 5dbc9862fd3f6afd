import FoundationEssentials
import Inventory
import Yams

/// Where settings come from, the weakest first: the file, the environment, the command line.
extension Configuration {
    /// The file that is read if it is there and no other is named.
    static let defaultFile = "/etc/virt-metadata/config.yaml"

    /// Puts the three sources together.
    ///
    /// - Parameters:
    ///   - file: the file that the command line names, if it names one.
    ///   - flags: values by setting, as the command line has them.
    static func load(
        file: String?, environment: [String: String], flags: [(name: String, values: [String])]
    ) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let path = file ?? environment[Setting.variablePrefix + "CONFIG"] {
            try configuration.read(file: path)
        } else if FileManager.default.fileExists(atPath: defaultFile) {
            try configuration.read(file: defaultFile)
        }
        try configuration.read(environment: environment)
        for (name, values) in flags {
            try configuration.set(Setting.named(name), to: values, from: "--\(name)")
        }
        if configuration.listen.isEmpty {
            try configuration.set(Setting.named("listen"), to: [metadataAddress], from: "the default of --listen")
        }
        return configuration
    }

    private mutating func set(_ setting: Setting, to values: [String], from place: String) throws(ConfigurationError) {
        do {
            try setting.apply(values, &self)
        } catch {
            throw ConfigurationError(place: place, problem: error.problem)
        }
    }

    // MARK: The environment

    private mutating func read(environment: [String: String]) throws(ConfigurationError) {
        let settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.variable, $0) })
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(Setting.variablePrefix) {
            if variable == Setting.variablePrefix + "CONFIG" { continue }
            guard let setting = settings[variable] else {
                throw ConfigurationError(
                    place: "environment variable \(variable)", problem: "there is no such setting" + Self.advice(variable, settings.keys))
            }
            try set(setting, to: setting.kind == .list ? Self.parts(of: text) : [text], from: "environment variable \(variable)")
        }
    }

    /// The values of a list that is written in one text, between commas.
    static func parts(of text: String) -> [String] {
        text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func advice(_ name: String, _ known: some Collection<String>) -> String {
        nearestWord(to: name, among: known).map { "; is '\($0)' meant?" } ?? ""
    }

    // MARK: The file

    private mutating func read(file path: String) throws(ConfigurationError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(place: path, problem: "cannot be read; is it there, and may this user read it?")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(place: path, problem: "is not UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ConfigurationError(place: path, problem: Self.sentence(of: error))
        }
        guard let root else { return }
        guard case .mapping(let mapping) = root else {
            throw ConfigurationError(place: Self.place(path, root), problem: "a configuration is a mapping of settings to values")
        }
        for (key, value) in mapping { try read(key, value, path) }
    }

    private mutating func read(_ key: Node, _ value: Node, _ path: String) throws(ConfigurationError) {
        let name = key.scalar?.string ?? ""
        guard let setting = Setting.all.first(where: { $0.name == name }) else {
            let problem = "there is no setting '\(name)'" + Self.advice(name, Setting.all.map(\.name))
            throw ConfigurationError(place: Self.place(path, key), problem: problem)
        }
        let values: [String]
        switch value {
        case .scalar(let scalar) where scalar.string.isEmpty || scalar.string == "~" && scalar.style == .plain:
            throw ConfigurationError(place: Self.place(path, key), problem: "\(name): has no value")
        case .scalar(let scalar): values = [scalar.string]
        case .sequence(let sequence) where setting.kind == .list && sequence.allSatisfy({ $0.scalar != nil }):
            values = sequence.compactMap { $0.scalar?.string }
        default:
            let expected = setting.kind == .list ? "a value or a list of values" : "one value"
            throw ConfigurationError(place: Self.place(path, value), problem: "\(name): takes \(expected)")
        }
        try set(setting, to: values, from: "\(Self.place(path, value)): \(name)")
    }

    private static func place(_ path: String, _ node: Node) -> String {
        node.mark.map { "\(path), line \($0.line)" } ?? path
    }

    /// Yams describes an error over several lines, with the text around it; one line is enough beside the file's name.
    private static func sentence(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            "line \(mark.line): is no YAML: \(problem)"
        case .duplicatedKeysInMapping(let duplicates, _):
            "has a setting twice: \(duplicates.joined(separator: ", "))"
        default: "is no YAML: \(error)"
        }
    }
}
