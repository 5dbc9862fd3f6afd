import ArgumentParser
import Configuration

/// Which settings the help of a command shows.
protocol ShownSettings: Sendable {
    /// Their names; `nil` for all.
    static var names: Set<String>? { get }
}

extension ShownSettings {
    /// Whether the settings are those of the server, which reads none of libvirt's own variables.
    static var isServer: Bool { names == nil }

    static func visibility(of name: String) -> ArgumentVisibility { names?.contains(name) == false ? .hidden : .default }

    /// The help of `--connect`: commands read libvirt's own variables too.
    static var helpOfConnect: ArgumentHelp {
        guard !isServer else { return .setting("connect", visibility(of: "connect")) }
        let setting = Setting.named("connect")
        let variables = Configuration.libvirtVariables.map { "$\($0)" }.joined(separator: ", else ")
        return ArgumentHelp(
            "libvirt URI. Repeatable; domains are looked up in this order. (default: the setting connect, else \(variables), else \(setting.defaultText))",
            valueName: setting.valueName, visibility: visibility(of: "connect"))
    }
}

/// For `serve`, and for commands that show what it would use.
enum AllSettings: ShownSettings {
    static let names: Set<String>? = nil
}

/// For commands that work with domains through libvirt.
enum DomainSettings: ShownSettings {
    static let names: Set<String>? = ["connect"]
}

/// For commands that show what a domain's guest would read.
enum PreviewSettings: ShownSettings {
    static let names: Set<String>? = ["connect", "use-persistent-metadata", "state-directory", "identity-key"]
}

/// For commands that compare what a domain's guest would read with something else.
enum ComparedSettings: ShownSettings {
    static let names: Set<String>? = ["connect", "use-persistent-metadata"]
}

/// For commands that query libvirt and the running server.
enum HostSettings: ShownSettings {
    static let names: Set<String>? = ["connect", "run-directory", "admin-socket"]
}

/// For commands that query the running server only.
enum AdminSettings: ShownSettings {
    static let names: Set<String>? = ["run-directory", "admin-socket"]
}

/// For commands that read the record of what the server installed.
enum RecordSettings: ShownSettings {
    static let names: Set<String>? = ["run-directory"]
}

/// For commands that read the server's signing key.
enum KeySettings: ShownSettings {
    static let names: Set<String>? = ["state-directory", "identity-key"]
}

typealias CommandSettings = SettingsOptions<DomainSettings>

// MARK: Options from the table

extension Option<String?> {
    init(setting name: String, _ shown: (some ShownSettings).Type) {
        self.init(name: .customLong(name), help: .setting(name, shown.visibility(of: name)), completion: .setting(name))
    }
}

extension Option<[String]> {
    init(wrappedValue: [String], setting name: String, _ shown: (some ShownSettings).Type) {
        self.init(
            wrappedValue: wrappedValue, name: .customLong(name), help: .setting(name, shown.visibility(of: name)),
            completion: .setting(name))
    }
}

extension Flag<Bool?> {
    init(setting name: String, _ shown: (some ShownSettings).Type) {
        self.init(name: .customLong(name), inversion: .prefixedNo, help: .setting(name, shown.visibility(of: name)))
    }
}

extension ArgumentHelp {
    /// The help of a setting.
    static func setting(_ name: String, _ visibility: ArgumentVisibility) -> ArgumentHelp {
        let text = SettingText.of(name)
        return ArgumentHelp("\(text.help)", valueName: text.valueName, visibility: visibility)
    }
}

extension CompletionKind {
    /// The values of a setting.
    fileprivate static func setting(_ name: String) -> CompletionKind {
        let text = SettingText.of(name)
        switch text.valueName {
        case "file": return .file()
        case "directory": return .directory
        default: return text.choices.isEmpty ? .default : .list(text.choices)
        }
    }
}

/// What the help shows of a setting. The parser makes each option again for every step of its work, dozens of times in a debug build, so
/// these texts are made once.
private struct SettingText {
    let help: String
    let valueName: String
    let choices: [String]

    private static let all = Dictionary(
        uniqueKeysWithValues: Setting.all.map {
            ($0.name, SettingText(help: $0.help, valueName: $0.valueName, choices: $0.choices))
        })

    static func of(_ name: String) -> SettingText {
        guard let text = all[name] else { preconditionFailure("no row for the setting '\(name)'") }
        return text
    }
}
