/// One row of the table of settings: its name determines the flag `--name`, the environment variable `VIRT_METADATA_NAME` and the
/// key `name` of the configuration file; all three are parsed in the same way.
package struct Setting: Sendable {
    /// How many values the setting takes.
    enum Kind: Sendable {
        case single, list, flag
    }

    /// The section that help, manual and template show the setting in, in this order.
    package enum Group: String, Sendable, CaseIterable {
        case network = "Network"
        case guests = "Guests"
        case security = "Security"
        case limits = "Limits"
        case paths = "Paths"
        case logging = "Logging and metrics"
    }

    /// An invalid value, and the expected one.
    struct BadValue: Error {
        /// `nil` where the problem is not a single value.
        let value: String?
        let problem: String

        init(_ value: String, expected: String) {
            (self.value, problem) = (value, "expected \(expected)")
        }

        init(problem: String) {
            (value, self.problem) = (nil, problem)
        }

        func description(of name: String) -> String {
            value.map { "invalid value '\($0)' for \(name): \(problem)" } ?? "\(name): \(problem)"
        }
    }

    package let name: String
    package let group: Group
    let kind: Kind
    /// What the help shows of the values: their placeholder, and which are accepted.
    let form: Form
    /// What the setting does, in one or two sentences.
    let summary: String
    /// A valid value that is not the default.
    package let example: String
    /// What applies while the setting has no value; `nil` where the default is a value.
    let unset: String?
    let apply: @Sendable ([String], inout Configuration) throws(BadValue) -> Void
    /// The values in a configuration, as they would be written; `nil` where it has none.
    let values: @Sendable (Configuration) -> [String]?

    /// The part of a ``ValueForm`` that does not depend on the type.
    struct Form: Sendable {
        let placeholder: String
        let range: String?
        let choices: [String]

        init<Value>(_ form: ValueForm<Value>) {
            placeholder = form.placeholder
            switch form.accepted {
            case .range(let range): (self.range, choices) = (range, [])
            case .choices(let choices): (range, self.choices) = (nil, choices)
            case nil: (range, choices) = (nil, [])
            }
        }
    }

    static let variablePrefix = "VIRT_METADATA_"

    /// `VIRT_METADATA_RESYNC_INTERVAL` for `resync-interval`.
    package var variable: String { Self.variable(of: name) }

    static func variable(of name: String) -> String {
        variablePrefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// The row with a name.
    package static func named(_ name: String) -> Setting {
        guard let setting = all.first(where: { $0.name == name }) else { preconditionFailure("no row for the setting '\(name)'") }
        return setting
    }

    /// Whether the setting is on or off: `--name` and `--no-name` on the command line.
    package var isFlag: Bool { kind == .flag }

    /// Whether the setting takes several values.
    package var isList: Bool { kind == .list }

    /// Whether its value is a number without a unit.
    package var isNumber: Bool { ["count", "bytes"].contains(valueName) }

    /// The placeholder of the value in help texts.
    package var valueName: String { form.placeholder }

    /// The only values that are accepted; empty where there are too many to list.
    package var choices: [String] { form.choices }

    /// The default, as a value or in words.
    package var defaultText: String {
        if let unset { return unset }
        let texts = values(Configuration()) ?? []
        return texts.isEmpty ? "none" : texts.joined(separator: ", ")
    }

    /// What it does, and the accepted values.
    package var explanation: String {
        let accepted = form.range.map { " Range: \($0)." } ?? (choices.isEmpty ? "" : " One of \(Read.list(of: choices)).")
        return summary + accepted
    }

    /// What it does, the accepted values and the default.
    package var help: String {
        let accepted = form.range.map { "\($0); " } ?? (choices.isEmpty ? "" : "\(Read.list(of: choices)); ")
        return "\(summary) (\(accepted)default: \(defaultText))"
    }
}

// MARK: Rows

extension Setting {
    /// One value, which always has a default.
    static func single<Value>(
        _ name: String, _ group: Group, _ path: any WritableKeyPath<Configuration, Value> & Sendable, _ form: ValueForm<Value>,
        example: String, _ summary: String
    ) -> Setting {
        Setting(
            name: name, group: group, kind: .single, form: Form(form), summary: summary, example: example, unset: nil,
            apply: { values, configuration throws(BadValue) in configuration[keyPath: path] = try one(values, form) },
            values: { [form.write($0[keyPath: path])] })
    }

    /// One value, or none, with what then applies.
    static func optional<Value>(
        _ name: String, _ group: Group, _ path: any WritableKeyPath<Configuration, Value?> & Sendable, _ form: ValueForm<Value>,
        example: String, unset: String, _ summary: String
    ) -> Setting {
        Setting(
            name: name, group: group, kind: .single, form: Form(form), summary: summary, example: example, unset: unset,
            apply: { values, configuration throws(BadValue) in configuration[keyPath: path] = try one(values, form) },
            values: { $0[keyPath: path].map { [form.write($0)] } })
    }

    /// Any number of values.
    ///
    /// - Parameters:
    ///   - unset: what applies without values, if that is not nothing.
    ///   - check: checks the values together.
    static func list<Value>(
        _ name: String, _ group: Group, _ path: any WritableKeyPath<Configuration, [Value]> & Sendable, _ form: ValueForm<Value>,
        example: String, unset: String? = nil, _ summary: String,
        check: @escaping @Sendable ([String]) throws(BadValue) -> Void = { _ in }
    ) -> Setting {
        Setting(
            name: name, group: group, kind: .list, form: Form(form), summary: summary + " Repeatable.", example: example,
            unset: unset,
            apply: { values, configuration throws(BadValue) in
                try check(values)
                var all: [Value] = []
                for value in values { all.append(try form.read(value)) }
                configuration[keyPath: path] = all
            }, values: { $0[keyPath: path].map(form.write) })
    }

    /// On or off.
    static func flag(
        _ name: String, _ group: Group, _ path: any WritableKeyPath<Configuration, Bool> & Sendable, _ summary: String
    ) -> Setting {
        let form = ValueForm<String>.text("true|false")
        return Setting(
            name: name, group: group, kind: .flag, form: Form(form), summary: summary,
            example: "\(!Configuration()[keyPath: path])", unset: nil,
            apply: { values, configuration throws(BadValue) in configuration[keyPath: path] = try Read.bool(values) },
            values: { ["\($0[keyPath: path])"] })
    }

    private static func one<Value>(_ values: [String], _ form: ValueForm<Value>) throws(BadValue) -> Value {
        guard values.count == 1 else { throw BadValue(problem: "expected one value") }
        return try form.read(values[0])
    }
}
