import ArgumentParser
import Configuration
import FoundationEssentials

/// The settings as options of a command. Each command takes all of them, so that one set of options serves for every command; its help
/// shows those that matter to it, and `--help-hidden` the rest.
struct SettingsOptions<Shown: ShownSettings>: ParsableArguments {
    @Option(
        name: .customLong("config-file"),
        help: ArgumentHelp(
            "Configuration file. (default: \(Configuration.defaultFile), if it exists)", valueName: "file"),
        completion: .file())
    var file: String?

    @OptionGroup(title: Shown.title(.network), visibility: Shown.visibility(.connection))
    var connection: ConnectionSettings<Shown>
    @OptionGroup(title: Shown.title(.network), visibility: Shown.visibility(.serving)) var network: NetworkSettings
    @OptionGroup(title: Shown.title(.guests), visibility: Shown.visibility(.definition)) var definition: DefinitionSettings
    @OptionGroup(title: Shown.title(.guests), visibility: Shown.visibility(.serving)) var guests: GuestSettings
    @OptionGroup(title: Shown.title(.security), visibility: Shown.visibility(.serving)) var security: SecuritySettings
    @OptionGroup(title: Shown.title(.security), visibility: Shown.visibility(.identityKey)) var identityKey: IdentityKeySettings
    @OptionGroup(title: Shown.title(.limits), visibility: Shown.visibility(.serving)) var limits: LimitSettings
    @OptionGroup(title: Shown.title(.paths), visibility: Shown.visibility(.runDirectory)) var runDirectory: RunDirectorySettings
    @OptionGroup(title: Shown.title(.paths), visibility: Shown.visibility(.adminSocket)) var adminSocket: AdminSocketSettings
    @OptionGroup(title: Shown.title(.paths), visibility: Shown.visibility(.stateDirectory))
    var stateDirectory: StateDirectorySettings
    @OptionGroup(title: Shown.title(.logging), visibility: Shown.visibility(.serving)) var logging: LoggingSettings

    /// The flags that were given.
    var values: [GivenFlag] {
        let groups: [any SettingGroup] = [
            connection, network, definition, guests, security, identityKey, limits, runDirectory, adminSocket, stateDirectory,
            logging,
        ]
        return groups.flatMap(\.values)
    }

    /// The configuration from these flags, the environment and the file.
    func load() throws(ConfigurationError) -> Configuration {
        try Configuration.load(
            file: file, environment: ProcessInfo.processInfo.environment, flags: values,
            usesLibvirtVariables: !Shown.isServer)
    }

    /// The same, with all that is wrong.
    func report() -> ConfigurationReport {
        Configuration.report(
            file: file, environment: ProcessInfo.processInfo.environment, flags: values, usesLibvirtVariables: !Shown.isServer)
    }
}

/// A part of the settings that the help of some commands shows.
enum SettingsPart: CaseIterable {
    case connection, definition, runDirectory, adminSocket, stateDirectory, identityKey
    /// All others, which are the server's alone.
    case serving
}

/// Which settings the help of a command shows.
protocol ShownSettings: Sendable {
    static var parts: Set<SettingsPart> { get }
}

extension ShownSettings {
    /// Whether the settings are those of the server, which reads none of libvirt's own variables.
    static var isServer: Bool { parts.contains(.serving) }

    static func title(_ group: Setting.Group) -> String { isServer ? group.rawValue : "" }

    static func visibility(_ part: SettingsPart) -> ArgumentVisibility { parts.contains(part) ? .default : .hidden }
}

/// For `serve`, and for commands that show what it would use.
enum AllSettings: ShownSettings {
    static var parts: Set<SettingsPart> { Set(SettingsPart.allCases) }
}

/// For commands that work with domains through libvirt.
enum DomainSettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.connection] }
}

/// For commands that show what a domain's guest would read.
enum PreviewSettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.connection, .definition, .stateDirectory, .identityKey] }
}

/// For commands that query libvirt and the running server.
enum HostSettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.connection, .runDirectory, .adminSocket] }
}

/// For commands that query the running server only.
enum AdminSettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.runDirectory, .adminSocket] }
}

/// For commands that read the record of what the server installed.
enum RecordSettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.runDirectory] }
}

/// For commands that read the server's signing key.
enum KeySettings: ShownSettings {
    static var parts: Set<SettingsPart> { [.stateDirectory, .identityKey] }
}

typealias CommandSettings = SettingsOptions<DomainSettings>
