import ArgumentParser
import Common
import Configuration

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

    /// The key of the file that is not in the table of settings.
    private static let defaults = "defaults"

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
        if let source = report.configuration.sources[Self.defaults] {
            rows.append(
                Row(
                    name: Self.defaults, text: "(values for all instances)", value: .bool(true), default: .null, source: source,
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
            JSONMember("file", report.file.map(JSONValue.string) ?? .null), JSONMember("valid", .bool(report.problems.isEmpty)),
            JSONMember("settings", .array(rows.map(\.document))),
            JSONMember("errors", .array(report.problems.map { .string("\($0)") })),
            JSONMember("warnings", .array(report.warnings.map(JSONValue.string))),
            JSONMember("hints", .array(report.hints.map(JSONValue.string))),
        ])
    }

    static func text(_ rows: [Row], on terminal: Terminal) -> String {
        TextTable(["SETTING", "VALUE", "SOURCE"], rows.map { [$0.name, $0.text, $0.sourceText] }).text(on: terminal)
    }

    var isValid: Bool { report.problems.isEmpty }

    /// Prints the hints, the warnings and all problems for people; the document has them too.
    func printNotes(_ output: OutputOptions) {
        guard output.format == .table else { return }
        for hint in report.hints { VirtMetadata.printError("virt-metadata: hint: \(hint)") }
        for warning in report.warnings { VirtMetadata.printError("virt-metadata: warning: \(warning)") }
        for problem in report.problems { VirtMetadata.printError("virt-metadata: \(problem)") }
    }
}
