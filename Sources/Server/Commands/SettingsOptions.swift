import ArgumentParser
import FoundationEssentials

/// The table of settings as flags of a command.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file. Default: \(Configuration.defaultFile), if it is there.", valueName: "file"))
    var config: String?

    @Option(name: Self.flag("connect"), help: Self.help("connect")) var connect: [String] = []
    @Option(name: Self.flag("listen"), help: Self.help("listen")) var listen: [String] = []
    @Option(name: Self.flag("networks"), help: Self.help("networks")) var networks: [String] = []
    @Option(name: Self.flag("bridge"), help: Self.help("bridge")) var bridge: [String] = []
    @Option(name: Self.flag("intercept"), help: Self.help("intercept")) var intercept: String?
    @Option(name: Self.flag("guard"), help: Self.help("guard")) var guardPorts: String?
    @Flag(name: Self.flag("leave-open"), inversion: .prefixedNo, help: Self.help("leave-open")) var leaveOpen: Bool?
    @Option(name: Self.flag("user"), help: Self.help("user")) var user: String?
    @Option(name: Self.flag("run-directory"), help: Self.help("run-directory")) var runDirectory: String?
    @Option(name: Self.flag("admin-socket"), help: Self.help("admin-socket")) var adminSocket: String?
    @Option(name: Self.flag("admin-listen"), help: Self.help("admin-listen")) var adminListen: String?
    @Option(name: Self.flag("trust-forwarded-for"), help: Self.help("trust-forwarded-for")) var trustForwardedFor: [String] = []
    @Option(name: Self.flag("neighbours"), help: Self.help("neighbours")) var neighbours: String?
    @Flag(name: Self.flag("edited"), inversion: .prefixedNo, help: Self.help("edited")) var edited: Bool?
    @Option(name: Self.flag("allow-password"), help: Self.help("allow-password")) var allowPassword: String?
    @Option(name: Self.flag("state-directory"), help: Self.help("state-directory")) var stateDirectory: String?
    @Option(name: Self.flag("token-key"), help: Self.help("token-key")) var tokenKey: String?
    @Option(name: Self.flag("identity-key"), help: Self.help("identity-key")) var identityKey: String?
    @Option(name: Self.flag("neutron-secret"), help: Self.help("neutron-secret")) var neutronSecret: String?
    @Option(name: Self.flag("tokens"), help: Self.help("tokens")) var tokens: String?
    @Option(name: Self.flag("hop-limit"), help: Self.help("hop-limit")) var hopLimit: String?
    @Option(name: Self.flag("vendordata-target"), help: Self.help("vendordata-target")) var vendordataTargets: [String] = []
    @Option(name: Self.flag("vendordata-timeout"), help: Self.help("vendordata-timeout")) var vendordataTimeout: String?
    @Option(name: Self.flag("sweep-interval"), help: Self.help("sweep-interval")) var sweepInterval: String?
    @Option(name: Self.flag("log-level"), help: Self.help("log-level")) var logLevel: String?
    @Option(name: Self.flag("threads"), help: Self.help("threads")) var threads: String?
    @Option(name: Self.flag("request-head-bytes"), help: Self.help("request-head-bytes")) var requestHeadBytes: String?
    @Option(name: Self.flag("request-body-bytes"), help: Self.help("request-body-bytes")) var requestBodyBytes: String?
    @Option(name: Self.flag("request-timeout"), help: Self.help("request-timeout")) var requestTimeout: String?
    @Option(name: Self.flag("idle-timeout"), help: Self.help("idle-timeout")) var idleTimeout: String?
    @Option(name: Self.flag("hold-timeout"), help: Self.help("hold-timeout")) var holdTimeout: String?
    @Option(name: Self.flag("connections"), help: Self.help("connections")) var connections: String?
    @Option(name: Self.flag("connections-per-caller"), help: Self.help("connections-per-caller")) var connectionsPerCaller:
        String?
    @Option(name: Self.flag("connections-per-second"), help: Self.help("connections-per-second")) var connectionsPerSecond:
        String?
    @Option(name: Self.flag("held-requests"), help: Self.help("held-requests")) var heldRequests: String?
    @Option(name: Self.flag("held-requests-per-caller"), help: Self.help("held-requests-per-caller")) var heldPerCaller: String?
    @Option(name: Self.flag("requests-per-second"), help: Self.help("requests-per-second")) var requestsPerSecond: String?
    @Option(name: Self.flag("bytes-per-second"), help: Self.help("bytes-per-second")) var bytesPerSecond: String?

    /// The configuration that these flags, the environment and the file make.
    func load() throws(ConfigurationError) -> Configuration {
        try Configuration.load(file: config, environment: ProcessInfo.processInfo.environment, flags: values)
    }

    /// The flags that were given.
    var values: [(name: String, values: [String])] {
        let single: [(String, String?)] = [
            ("neighbours", neighbours), ("edited", edited.map { $0 ? "yes" : "no" }),
            ("intercept", intercept), ("guard", guardPorts), ("leave-open", leaveOpen.map { $0 ? "yes" : "no" }),
            ("user", user), ("run-directory", runDirectory), ("state-directory", stateDirectory), ("token-key", tokenKey),
            ("identity-key", identityKey), ("neutron-secret", neutronSecret), ("tokens", tokens), ("hop-limit", hopLimit),
            ("allow-password", allowPassword), ("admin-socket", adminSocket), ("admin-listen", adminListen),
            ("vendordata-timeout", vendordataTimeout), ("sweep-interval", sweepInterval), ("log-level", logLevel),
            ("threads", threads),
            ("request-head-bytes", requestHeadBytes), ("request-body-bytes", requestBodyBytes),
            ("request-timeout", requestTimeout),
            ("idle-timeout", idleTimeout), ("hold-timeout", holdTimeout), ("connections", connections),
            ("connections-per-caller", connectionsPerCaller), ("connections-per-second", connectionsPerSecond),
            ("held-requests", heldRequests),
            ("held-requests-per-caller", heldPerCaller), ("requests-per-second", requestsPerSecond),
            ("bytes-per-second", bytesPerSecond),
        ]
        let lists = [
            ("connect", connect), ("listen", listen), ("networks", networks), ("bridge", bridge),
            ("trust-forwarded-for", trustForwardedFor), ("vendordata-target", vendordataTargets),
        ]
        return single.compactMap { name, value in value.map { (name, [$0]) } }
            + lists.filter { !$1.isEmpty }.map { ($0, $1.flatMap(Configuration.parts)) }
    }

    private static func flag(_ name: String) -> NameSpecification { .customLong(Setting.named(name).name) }

    private static func help(_ name: String) -> ArgumentHelp {
        let setting = Setting.named(name)
        return ArgumentHelp("\(setting.help)", valueName: setting.valueName)
    }
}
