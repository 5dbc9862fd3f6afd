import ArgumentParser
import Configuration

/// Some of the settings as flags.
protocol SettingGroup: ParsableArguments {
    /// The flags that were given.
    var values: [GivenFlag] { get }
}

/// The values of a setting on the command line.
typealias GivenFlag = (name: String, values: [String])

struct ConnectionSettings<Shown: ShownSettings>: SettingGroup {
    @Option(
        name: [.customShort("c"), .customLong("connect")], help: Shown.isServer ? .of("connect") : Self.help,
        completion: .list(["qemu:///system", "qemu:///session", "qemu+ssh://"]))
    var connect: [String] = []

    var values: [GivenFlag] { GivenFlags.lists([("connect", connect)]) }

    private static var help: ArgumentHelp {
        let setting = Setting.named("connect")
        let variables = Configuration.libvirtVariables.map { "$\($0)" }.joined(separator: ", ")
        return ArgumentHelp(
            "libvirt URI. Repeatable: searched in this order. (default: \(variables), \(setting.defaultText))",
            valueName: setting.valueName)
    }
}

struct DefinitionSettings: SettingGroup {
    @Flag(setting: "use-persistent-metadata") var usePersistentMetadata: Bool?

    var values: [GivenFlag] { GivenFlags.switches([("use-persistent-metadata", usePersistentMetadata)]) }
}

struct RunDirectorySettings: SettingGroup {
    @Option(setting: "run-directory") var runDirectory: String?

    var values: [GivenFlag] { GivenFlags.single([("run-directory", runDirectory)]) }
}

struct AdminSocketSettings: SettingGroup {
    @Option(setting: "admin-socket") var adminSocket: String?

    var values: [GivenFlag] { GivenFlags.single([("admin-socket", adminSocket)]) }
}

struct StateDirectorySettings: SettingGroup {
    @Option(setting: "state-directory") var stateDirectory: String?

    var values: [GivenFlag] { GivenFlags.single([("state-directory", stateDirectory)]) }
}

struct IdentityKeySettings: SettingGroup {
    @Option(setting: "identity-key") var identityKey: String?

    var values: [GivenFlag] { GivenFlags.single([("identity-key", identityKey)]) }
}

struct NetworkSettings: SettingGroup {
    @Option(setting: "network") var networks: [String] = []
    @Option(setting: "bridge") var bridges: [String] = []
    @Option(setting: "listen") var listen: [String] = []
    @Option(setting: "intercept") var intercept: String?
    @Option(setting: "listener-ports") var listenerPorts: String?
    @Flag(setting: "leave-open") var leaveOpen: Bool?
    @Option(setting: "neighbours") var neighbours: String?

    var values: [GivenFlag] {
        GivenFlags.lists([("network", networks), ("bridge", bridges), ("listen", listen)])
            + GivenFlags.single([("intercept", intercept), ("listener-ports", listenerPorts), ("neighbours", neighbours)])
            + GivenFlags.switches([("leave-open", leaveOpen)])
    }
}

struct GuestSettings: SettingGroup {
    @Flag(setting: "allow-password") var allowPassword: Bool?
    @Option(setting: "vendordata-target") var vendordataTargets: [String] = []
    @Option(setting: "vendordata-timeout") var vendordataTimeout: String?
    @Option(setting: "resync-interval") var resyncInterval: String?

    var values: [GivenFlag] {
        GivenFlags.switches([("allow-password", allowPassword)]) + GivenFlags.lists([("vendordata-target", vendordataTargets)])
            + GivenFlags.single([("vendordata-timeout", vendordataTimeout), ("resync-interval", resyncInterval)])
    }
}

struct SecuritySettings: SettingGroup {
    @Flag(setting: "guard") var guardsPorts: Bool?
    @Option(setting: "session-tokens") var sessionTokens: String?
    @Option(setting: "hop-limit") var hopLimit: String?
    @Option(setting: "host-name") var hostNames: [String] = []
    @Option(setting: "trust-forwarded-for") var trustForwardedFor: [String] = []
    @Option(setting: "neutron-secret") var neutronSecret: String?
    @Option(setting: "token-key") var tokenKey: String?
    @Option(setting: "user") var user: String?

    var values: [GivenFlag] {
        GivenFlags.switches([("guard", guardsPorts)])
            + GivenFlags.lists([("host-name", hostNames), ("trust-forwarded-for", trustForwardedFor)])
            + GivenFlags.single([
                ("session-tokens", sessionTokens), ("hop-limit", hopLimit), ("neutron-secret", neutronSecret),
                ("token-key", tokenKey), ("user", user),
            ])
    }
}

struct LimitSettings: SettingGroup {
    @Option(setting: "threads") var threads: String?
    @Option(setting: "max-connections") var connections: String?
    @Option(setting: "max-connections-per-guest") var connectionsPerGuest: String?
    @Option(setting: "max-connections-per-second") var connectionsPerSecond: String?
    @Option(setting: "max-requests-per-second") var requestsPerSecond: String?
    @Option(setting: "max-bytes-per-second") var bytesPerSecond: String?
    @Option(setting: "max-cpu-per-second") var cpuPerSecond: String?
    @Option(setting: "max-held-requests") var heldRequests: String?
    @Option(setting: "max-held-requests-per-guest") var heldRequestsPerGuest: String?
    @Option(setting: "max-request-header-bytes") var requestHeaderBytes: String?
    @Option(setting: "max-request-body-bytes") var requestBodyBytes: String?
    @Option(setting: "request-timeout") var requestTimeout: String?
    @Option(setting: "idle-timeout") var idleTimeout: String?
    @Option(setting: "hold-timeout") var holdTimeout: String?

    var values: [GivenFlag] {
        GivenFlags.single([
            ("threads", threads), ("max-connections", connections), ("max-connections-per-guest", connectionsPerGuest),
            ("max-connections-per-second", connectionsPerSecond), ("max-requests-per-second", requestsPerSecond),
            ("max-bytes-per-second", bytesPerSecond), ("max-cpu-per-second", cpuPerSecond),
            ("max-held-requests", heldRequests), ("max-held-requests-per-guest", heldRequestsPerGuest),
            ("max-request-header-bytes", requestHeaderBytes), ("max-request-body-bytes", requestBodyBytes),
            ("request-timeout", requestTimeout), ("idle-timeout", idleTimeout), ("hold-timeout", holdTimeout),
        ])
    }
}

struct LoggingSettings: SettingGroup {
    @Option(setting: "log-level") var logLevel: String?
    @Option(setting: "admin-listen") var adminListen: String?

    var values: [GivenFlag] { GivenFlags.single([("log-level", logLevel), ("admin-listen", adminListen)]) }
}

// MARK: Flags from the table

private enum GivenFlags {
    static func single(_ flags: [(String, String?)]) -> [GivenFlag] {
        flags.compactMap { name, value in value.map { (name, [$0]) } }
    }

    static func switches(_ flags: [(String, Bool?)]) -> [GivenFlag] {
        flags.compactMap { name, value in value.map { (name, ["\($0)"]) } }
    }

    static func lists(_ flags: [(String, [String])]) -> [GivenFlag] {
        flags.filter { !$1.isEmpty }.map { ($0, $1.flatMap(Configuration.parts)) }
    }
}

extension Option<String?> {
    fileprivate init(setting name: String) {
        self.init(name: .customLong(name), help: .of(name), completion: .of(name))
    }
}

extension Option<[String]> {
    fileprivate init(wrappedValue: [String], setting name: String) {
        self.init(wrappedValue: wrappedValue, name: .customLong(name), help: .of(name), completion: .of(name))
    }
}

extension Flag<Bool?> {
    fileprivate init(setting name: String) {
        self.init(name: .customLong(name), inversion: .prefixedNo, help: .of(name))
    }
}

extension ArgumentHelp {
    /// The help of a setting.
    fileprivate static func of(_ name: String) -> ArgumentHelp {
        let setting = Setting.named(name)
        return ArgumentHelp("\(setting.help)", valueName: setting.valueName)
    }
}

extension CompletionKind {
    /// The values of a setting.
    fileprivate static func of(_ name: String) -> CompletionKind {
        let setting = Setting.named(name)
        switch setting.valueName {
        case "file": return .file()
        case "directory": return .directory
        default: return setting.choices.isEmpty ? .default : .list(setting.choices)
        }
    }
}
