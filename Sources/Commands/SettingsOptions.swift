import ArgumentParser
import Configuration
import FoundationEssentials

/// The table of settings as flags of the commands that serve guests, or show how they are served.
struct SettingsOptions: ParsableArguments {
    @OptionGroup var common: CommonSettings
    @OptionGroup var serving: ServingSettings

    /// The configuration from these flags, the environment and the file.
    func load() throws(ConfigurationError) -> Configuration { try common.load(with: serving) }

    /// The flags that were given.
    var values: [(name: String, values: [String])] { common.values + serving.values }
}

/// The same flags for all other commands: their help shows the few relevant ones, and the rest with `--help-hidden`.
struct CommandSettings: ParsableArguments {
    @OptionGroup var common: CommonSettings
    @OptionGroup(visibility: .hidden) var serving: ServingSettings

    /// The configuration from these flags, the environment and the file.
    func load() throws(ConfigurationError) -> Configuration { try common.load(with: serving) }
}

/// The locations of the configuration, libvirt and the server's state.
struct CommonSettings: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file. Default: \(Configuration.defaultFile), if it is there.", valueName: "file"))
    var config: String?

    @Option(name: .of("connect"), help: .of("connect")) var connect: [String] = []
    @Option(name: .of("run-directory"), help: .of("run-directory")) var runDirectory: String?
    @Option(name: .of("admin-socket"), help: .of("admin-socket")) var adminSocket: String?
    @Option(name: .of("state-directory"), help: .of("state-directory")) var stateDirectory: String?

    /// The flags that were given.
    var values: [(name: String, values: [String])] {
        GivenFlags.single([
            ("run-directory", runDirectory), ("admin-socket", adminSocket), ("state-directory", stateDirectory),
        ]) + GivenFlags.lists([("connect", connect)])
    }

    func load(with serving: ServingSettings) throws(ConfigurationError) -> Configuration {
        try Configuration.load(
            file: config, environment: ProcessInfo.processInfo.environment, flags: values + serving.values)
    }
}

/// How guests are served.
struct ServingSettings: ParsableArguments {
    @Option(name: .of("listen"), help: .of("listen")) var listen: [String] = []
    @Option(name: .of("networks"), help: .of("networks")) var networks: [String] = []
    @Option(name: .of("bridge"), help: .of("bridge")) var bridge: [String] = []
    @Option(name: .of("intercept"), help: .of("intercept")) var intercept: String?
    @Option(name: .of("guard"), help: .of("guard")) var guardPorts: String?
    @Flag(name: .of("leave-open"), inversion: .prefixedNo, help: .of("leave-open")) var leaveOpen: Bool?
    @Option(name: .of("user"), help: .of("user")) var user: String?
    @Option(name: .of("admin-listen"), help: .of("admin-listen")) var adminListen: String?
    @Option(name: .of("trust-forwarded-for"), help: .of("trust-forwarded-for")) var trustForwardedFor: [String] = []
    @Option(name: .of("neighbours"), help: .of("neighbours")) var neighbours: String?
    @Flag(name: .of("edited"), inversion: .prefixedNo, help: .of("edited")) var edited: Bool?
    @Option(name: .of("allow-password"), help: .of("allow-password")) var allowPassword: String?
    @Option(name: .of("token-key"), help: .of("token-key")) var tokenKey: String?
    @Option(name: .of("identity-key"), help: .of("identity-key")) var identityKey: String?
    @Option(name: .of("neutron-secret"), help: .of("neutron-secret")) var neutronSecret: String?
    @Option(name: .of("tokens"), help: .of("tokens")) var tokens: String?
    @Option(name: .of("hop-limit"), help: .of("hop-limit")) var hopLimit: String?
    @Option(name: .of("vendordata-target"), help: .of("vendordata-target")) var vendordataTargets: [String] = []
    @Option(name: .of("vendordata-timeout"), help: .of("vendordata-timeout")) var vendordataTimeout: String?
    @Option(name: .of("sweep-interval"), help: .of("sweep-interval")) var sweepInterval: String?
    @Option(name: .of("log-level"), help: .of("log-level")) var logLevel: String?
    @Option(name: .of("host-name"), help: .of("host-name")) var hostNames: [String] = []
    @Option(name: .of("threads"), help: .of("threads")) var threads: String?
    @Option(name: .of("request-head-bytes"), help: .of("request-head-bytes")) var requestHeadBytes: String?
    @Option(name: .of("request-body-bytes"), help: .of("request-body-bytes")) var requestBodyBytes: String?
    @Option(name: .of("request-timeout"), help: .of("request-timeout")) var requestTimeout: String?
    @Option(name: .of("idle-timeout"), help: .of("idle-timeout")) var idleTimeout: String?
    @Option(name: .of("hold-timeout"), help: .of("hold-timeout")) var holdTimeout: String?
    @Option(name: .of("connections"), help: .of("connections")) var connections: String?
    @Option(name: .of("connections-per-caller"), help: .of("connections-per-caller")) var connectionsPerClient: String?
    @Option(name: .of("listener-ports"), help: .of("listener-ports")) var listenerPorts: String?
    @Option(name: .of("connections-per-second"), help: .of("connections-per-second")) var connectionsPerSecond: String?
    @Option(name: .of("held-requests"), help: .of("held-requests")) var heldRequests: String?
    @Option(name: .of("held-requests-per-caller"), help: .of("held-requests-per-caller")) var heldPerClient: String?
    @Option(name: .of("requests-per-second"), help: .of("requests-per-second")) var requestsPerSecond: String?
    @Option(name: .of("bytes-per-second"), help: .of("bytes-per-second")) var bytesPerSecond: String?
    @Option(name: .of("cpu-per-second"), help: .of("cpu-per-second")) var cpuPerSecond: String?

    /// The flags that were given.
    var values: [(name: String, values: [String])] {
        GivenFlags.single([
            ("neighbours", neighbours), ("edited", edited.map { $0 ? "yes" : "no" }),
            ("intercept", intercept), ("guard", guardPorts), ("leave-open", leaveOpen.map { $0 ? "yes" : "no" }),
            ("user", user), ("token-key", tokenKey),
            ("identity-key", identityKey), ("neutron-secret", neutronSecret), ("tokens", tokens), ("hop-limit", hopLimit),
            ("allow-password", allowPassword), ("admin-listen", adminListen),
            ("vendordata-timeout", vendordataTimeout), ("sweep-interval", sweepInterval), ("log-level", logLevel),
            ("threads", threads),
            ("request-head-bytes", requestHeadBytes), ("request-body-bytes", requestBodyBytes),
            ("request-timeout", requestTimeout),
            ("idle-timeout", idleTimeout), ("hold-timeout", holdTimeout), ("connections", connections),
            ("connections-per-caller", connectionsPerClient), ("connections-per-second", connectionsPerSecond),
            ("listener-ports", listenerPorts),
            ("held-requests", heldRequests),
            ("held-requests-per-caller", heldPerClient), ("requests-per-second", requestsPerSecond),
            ("bytes-per-second", bytesPerSecond), ("cpu-per-second", cpuPerSecond),
        ])
            + GivenFlags.lists([
                ("listen", listen), ("networks", networks), ("bridge", bridge),
                ("trust-forwarded-for", trustForwardedFor), ("vendordata-target", vendordataTargets), ("host-name", hostNames),
            ])
    }
}

/// Converts given flags into the form that the configuration reads.
private enum GivenFlags {
    static func single(_ flags: [(String, String?)]) -> [(name: String, values: [String])] {
        flags.compactMap { name, value in value.map { (name, [$0]) } }
    }

    static func lists(_ flags: [(String, [String])]) -> [(name: String, values: [String])] {
        flags.filter { !$1.isEmpty }.map { ($0, $1.flatMap(Configuration.parts)) }
    }
}

extension NameSpecification {
    fileprivate static func of(_ setting: String) -> NameSpecification { .customLong(Setting.named(setting).name) }
}

extension ArgumentHelp {
    /// The help of a setting, from the table.
    fileprivate static func of(_ setting: String) -> ArgumentHelp {
        let setting = Setting.named(setting)
        return ArgumentHelp("\(setting.help)", valueName: setting.valueName)
    }
}
