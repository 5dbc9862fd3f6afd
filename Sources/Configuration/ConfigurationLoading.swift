import Common
import FoundationEssentials

/// What was read from the sources of settings, with everything that is wrong with them.
package struct ConfigurationReport: Sendable {
    package internal(set) var configuration = Configuration()
    /// The file that was read; `nil` for none.
    package internal(set) var file: String?
    package internal(set) var problems: [ConfigurationError] = []
    /// Values of profiles that are left out; a server starts without them.
    package internal(set) var faults: [ConfigurationError] = []
    /// What could not be checked.
    package internal(set) var warnings: [String] = []
    /// What works and should be written otherwise.
    package internal(set) var hints: [String] = []

    package mutating func add(_ problem: ConfigurationError) {
        problems.append(problem)
    }
}

/// The sources of settings, the weakest first: the file, the environment, the command line.
extension Configuration {
    /// The file that is read if it exists and no other is given.
    package static let defaultFile = "/etc/virt-metadata/config.yaml"

    /// The variables that name another file, today's first.
    private static let fileVariables = [Setting.variable(of: "config-file"), Setting.variable(of: "config")]

    /// libvirt's variables with the URI of the hypervisor, the strongest first, as virsh(1) reads them.
    package static let libvirtVariables = ["VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"]
    /// The variable in which `emulate` gives its command the URL; `virt-metadata` may be that command, and has no such setting.
    package static let emulatorVariable = "VIRT_METADATA_URL"

    /// Merges the three sources.
    ///
    /// - Parameters:
    ///   - file: the file that the command line names, if it names one.
    ///   - flags: the values of the command line, by setting.
    ///   - usesLibvirtVariables: whether libvirt's variables name the hypervisor where no source does.
    /// - Throws: the first problem.
    package static func load(
        file: String?, environment: [String: String], flags: [(name: String, values: [String])],
        usesLibvirtVariables: Bool = false
    ) throws(ConfigurationError) -> Configuration {
        let report = report(file: file, environment: environment, flags: flags, usesLibvirtVariables: usesLibvirtVariables)
        guard let first = report.problems.first else { return report.configuration }
        let others = report.problems.count - 1
        guard others > 0 else { throw first }
        let hint = "\(first.problem) (and \(others) more: see `virt-metadata config check`)"
        throw ConfigurationError(location: first.location, problem: hint)
    }

    /// Merges the three sources as far as they can be used, and collects the problems of all.
    package static func report(
        file: String?, environment: [String: String], flags: [(name: String, values: [String])],
        usesLibvirtVariables: Bool = false
    ) -> ConfigurationReport {
        var report = ConfigurationReport()
        let variables = fileVariables.filter { environment[$0] != nil }
        if let file {
            report.read(file: file, namedBy: "--config-file")
        } else if variables.count > 1 {
            report.problems.append(
                ConfigurationError(problem: "both \(variables[0]) and its former name \(variables[1]) are set: unset one"))
        } else if let variable = variables.first {
            if variable != fileVariables[0] {
                report.hints.append("environment variable \(variable) is now named \(fileVariables[0]); the old name still works")
            }
            report.read(file: environment[variable] ?? "", namedBy: "environment variable \(variable)")
        } else if FileManager.default.fileExists(atPath: defaultFile) {
            report.read(file: defaultFile, namedBy: "the default of --config-file")
        }
        report.read(environment: environment.filter { !fileVariables.contains($0.key) })
        for (name, values) in flags {
            report.set(Setting.named(name), to: values, shownAs: "--\(name)", from: .flag("--\(name)"))
        }
        if usesLibvirtVariables, report.configuration.sources["connect"] == nil,
            let variable = libvirtVariables.first(where: { environment[$0]?.isEmpty == false }), let uri = environment[variable]
        {
            report.set(Setting.named("connect"), to: [uri], shownAs: variable, from: .variable(variable))
        }
        return report
    }

    /// The values of a comma-separated list; nothing between two commas is an empty value.
    package static func parts(of text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    /// Reads the settings of a file alone.
    ///
    /// - Parameters:
    ///   - contents: the bytes of the file.
    ///   - path: its name in errors.
    /// - Throws: the first problem.
    package mutating func read(_ contents: some Sequence<UInt8>, of path: String) throws(ConfigurationError) {
        var report = ConfigurationReport(configuration: self)
        report.read(Array(contents), of: path)
        if let first = report.problems.first { throw first }
        self = report.configuration
    }
}

extension ConfigurationReport {
    mutating func set(_ setting: Setting, to values: [String], shownAs name: String, from source: SettingSource) {
        guard values.allSatisfy({ !$0.isEmpty }) else {
            return problems.append(ConfigurationError(location: source.location, problem: "missing value for \(name)"))
        }
        do throws(Setting.BadValue) {
            try setting.apply(values, &configuration)
            configuration.remember(setting.name, source)
        } catch {
            problems.append(ConfigurationError(location: source.location, problem: error.description(of: name)))
        }
    }

    static func advice(_ name: String, _ known: some Collection<String>) -> String {
        nearestWord(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    }

    // MARK: The environment

    mutating func read(environment: [String: String]) {
        let given = environment.filter { $0.key.hasPrefix(Setting.variablePrefix) && $0.key != Configuration.emulatorVariable }
        let settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.variable, $0) })
        let formerNames = Dictionary(
            uniqueKeysWithValues: Setting.formerNames.map { (Setting.variable(of: $0.key), Setting.variable(of: $0.value)) })
        for (variable, text) in given.sorted(by: { $0.key < $1.key }) {
            let name = formerNames[variable] ?? variable
            guard let setting = settings[name] else {
                let problem = "unknown setting" + Self.advice(variable, settings.keys)
                problems.append(ConfigurationError(location: "environment variable \(variable)", problem: problem))
                continue
            }
            if name != variable {
                guard given[name] == nil else {
                    let problem = "both \(name) and its former name \(variable) are set: unset one"
                    problems.append(ConfigurationError(problem: problem))
                    continue
                }
                hints.append("environment variable \(variable) is now named \(name); the old name still works")
            }
            set(
                setting, to: setting.kind == .list ? Configuration.parts(of: text) : [text], shownAs: variable,
                from: .variable(variable))
        }
    }
}
