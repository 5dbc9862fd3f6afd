import ArgumentParser
import Common
import Configuration
import Description

/// The settings of a configuration as `config check` and `config show` print them.
struct ConfigurationTable {
    struct Row {
        let name: String
        /// The value for people; in parentheses what applies without one.
        let text: String
        let value: JSONValue
        let `default`: JSONValue
        let source: SettingSource?
        let isDefault: Bool

        fileprivate var document: JSONValue {
            .object([
                JSONMember("name", .string(name)), JSONMember("value", value), JSONMember("default", `default`),
                JSONMember("source", .string(sourceText)),
            ])
        }

        fileprivate var sourceText: String { source.map { "\($0)" } ?? "default" }
    }

    /// The keys of the file that are not in the table of settings, with their values in words.
    private static let shared = [("defaults", "values for all instances"), ("profiles", "values for instances that name them")]

    private let report: ConfigurationReport

    /// - Parameters:
    ///   - report: to which the problems are added that only the settings together have.
    ///   - opensFiles: whether to add the problems of the files that settings name.
    init(_ report: ConfigurationReport, opensFiles: Bool = false) {
        var report = report
        if report.problems.isEmpty {
            do throws(ConfigurationError) {
                _ = try report.configuration.followsBridges()
            } catch {
                report.add(error)
            }
        }
        if opensFiles { report.checkNamedFiles() }
        self.report = report
    }

    /// The file that was read, in words.
    var file: String { report.file ?? "none (\(Configuration.defaultFile) does not exist)" }

    func rows(where isIncluded: (Row) -> Bool) -> [Row] {
        var rows = Setting.all.map(row)
        for (name, words) in Self.shared {
            guard let source = report.configuration.sources[name] else { continue }
            let names = name == "profiles" ? report.configuration.defaults.profileNames : nil
            rows.append(
                Row(
                    name: name, text: names.map { $0.joined(separator: ", ") } ?? "(\(words))",
                    value: names.map { .array($0.map(JSONValue.string)) } ?? .bool(true), default: .null, source: source,
                    isDefault: false))
        }
        return rows.filter(isIncluded)
    }

    private func row(_ setting: Setting) -> Row {
        let (configuration, empty) = (report.configuration, Configuration())
        let values = configuration.values(of: setting) ?? []
        let text = values.isEmpty ? "(\(setting.defaultText))" : values.joined(separator: ", ")
        return Row(
            name: setting.name, text: text, value: Self.value(configuration.values(of: setting), setting),
            default: Self.value(empty.values(of: setting), setting), source: configuration.sources[setting.name],
            isDefault: configuration.isDefault(setting))
    }

    private static func value(_ values: [String]?, _ setting: Setting) -> JSONValue {
        guard let values else { return .null }
        if setting.isList { return .array(values.map(JSONValue.string)) }
        guard let text = values.first else { return .null }
        if setting.isFlag { return .bool(text == "true") }
        return setting.isNumber ? Int64(text).map(JSONValue.integer) ?? .null : .string(text)
    }

    /// The rows for programs.
    func document(_ rows: [Row]) -> JSONValue {
        .object([
            JSONMember("file", report.file.map(JSONValue.string) ?? .null), JSONMember("valid", .bool(isValid)),
            JSONMember("settings", .array(rows.map(\.document))),
            JSONMember("errors", .array((report.problems + report.faults).map { .string("\($0)") })),
            JSONMember("warnings", .array(report.warnings.map(JSONValue.string))),
            JSONMember("hints", .array(report.hints.map(JSONValue.string))),
        ])
    }

    static func text(_ rows: [Row], on terminal: Terminal) -> String {
        TextTable(["SETTING", "VALUE", "SOURCE"], rows.map { [$0.name, $0.text, $0.sourceText] }).text(on: terminal)
    }

    /// A server starts with a profile that has an unusable value, but nobody means it.
    var isValid: Bool { report.problems.isEmpty && report.faults.isEmpty }

    /// Prints the hints, the warnings and all problems for people; the document has them too.
    func printNotes(_ output: OutputOptions) {
        guard output.format == .table else { return }
        for hint in report.hints { VirtMetadata.printError("virt-metadata: hint: \(hint)") }
        for warning in report.warnings { VirtMetadata.printError("virt-metadata: warning: \(warning)") }
        for problem in report.problems + report.faults { VirtMetadata.printError("virt-metadata: \(problem)") }
    }
}
