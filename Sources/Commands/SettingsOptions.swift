import ArgumentParser
import Configuration
import FoundationEssentials

/// A setting on the command line, with its values.
typealias GivenFlag = (name: String, values: [String])

/// The settings as options of a command. Each command takes all of them, so that one set of options serves for every command; its help
/// shows those that matter to it, and `--help-hidden` the rest.
///
/// They are not divided into `OptionGroup`s, although `SettingSections` shows them so: a debug build of the parser examines what is in a
/// group six times as often as what is beside it, which took most of the time of every command.
struct SettingsOptions<Shown: ShownSettings>: ParsableArguments {
    @Option(
        name: .customLong("config-file"),
        help: ArgumentHelp(
            "Configuration file. (default: \(Configuration.defaultFile), if it exists)", valueName: "file"),
        completion: .file())
    var file: String?

    // MARK: Network

    @Option(
        name: [.customShort("c"), .customLong("connect")], help: Shown.helpOfConnect,
        completion: .list(["qemu:///system", "qemu:///session", "qemu+ssh://"]))
    var connect: [String] = []
    @Option(setting: "network", Shown.self) var networks: [String] = []
    @Option(setting: "bridge", Shown.self) var bridges: [String] = []
    @Option(setting: "listen", Shown.self) var listen: [String] = []
    @Option(setting: "intercept", Shown.self) var intercept: String?
    @Option(setting: "listener-ports", Shown.self) var listenerPorts: String?
    @Flag(setting: "leave-open", Shown.self) var leaveOpen: Bool?
    @Option(setting: "neighbours", Shown.self) var neighbours: String?

    // MARK: Guests

    @Flag(setting: "use-persistent-metadata", Shown.self) var usePersistentMetadata: Bool?
    @Flag(setting: "allow-password", Shown.self) var allowPassword: Bool?
    @Option(setting: "vendordata-target", Shown.self) var vendordataTargets: [String] = []
    @Option(setting: "vendordata-timeout", Shown.self) var vendordataTimeout: String?
    @Option(setting: "resync-interval", Shown.self) var resyncInterval: String?

    // MARK: Security

    @Flag(setting: "guard", Shown.self) var guardsPorts: Bool?
    @Option(setting: "session-tokens", Shown.self) var sessionTokens: String?
    @Option(setting: "hop-limit", Shown.self) var hopLimit: String?
    @Option(setting: "host-name", Shown.self) var hostNames: [String] = []
    @Option(setting: "trust-forwarded-for", Shown.self) var trustForwardedFor: [String] = []
    @Option(setting: "neutron-secret", Shown.self) var neutronSecret: String?
    @Option(setting: "token-key", Shown.self) var tokenKey: String?
    @Option(setting: "user", Shown.self) var user: String?
    @Option(setting: "identity-key", Shown.self) var identityKey: String?

    // MARK: Limits

    @Option(setting: "threads", Shown.self) var threads: String?
    @Option(setting: "max-connections", Shown.self) var connections: String?
    @Option(setting: "max-connections-per-guest", Shown.self) var connectionsPerGuest: String?
    @Option(setting: "max-connections-per-second", Shown.self) var connectionsPerSecond: String?
    @Option(setting: "max-requests-per-second", Shown.self) var requestsPerSecond: String?
    @Option(setting: "max-bytes-per-second", Shown.self) var bytesPerSecond: String?
    @Option(setting: "max-cpu-per-second", Shown.self) var cpuPerSecond: String?
    @Option(setting: "max-held-requests", Shown.self) var heldRequests: String?
    @Option(setting: "max-held-requests-per-guest", Shown.self) var heldRequestsPerGuest: String?
    @Option(setting: "max-request-header-bytes", Shown.self) var requestHeaderBytes: String?
    @Option(setting: "max-request-body-bytes", Shown.self) var requestBodyBytes: String?
    @Option(setting: "request-timeout", Shown.self) var requestTimeout: String?
    @Option(setting: "idle-timeout", Shown.self) var idleTimeout: String?
    @Option(setting: "hold-timeout", Shown.self) var holdTimeout: String?

    // MARK: Paths

    @Option(setting: "run-directory", Shown.self) var runDirectory: String?
    @Option(setting: "admin-socket", Shown.self) var adminSocket: String?
    @Option(setting: "state-directory", Shown.self) var stateDirectory: String?

    // MARK: Logging and metrics

    @Option(setting: "log-level", Shown.self) var logLevel: String?
    @Option(setting: "admin-listen", Shown.self) var adminListen: String?

    /// The flags that were given.
    var values: [GivenFlag] {
        let lists = [
            ("connect", connect), ("network", networks), ("bridge", bridges), ("listen", listen),
            ("vendordata-target", vendordataTargets), ("host-name", hostNames), ("trust-forwarded-for", trustForwardedFor),
        ]
        let switches = [
            ("leave-open", leaveOpen), ("use-persistent-metadata", usePersistentMetadata), ("allow-password", allowPassword),
            ("guard", guardsPorts),
        ]
        return lists.filter { !$1.isEmpty }.map { ($0, $1.flatMap(Configuration.parts)) }
            + switches.compactMap { name, value in value.map { (name, ["\($0)"]) } }
            + (single + limits).compactMap { name, value in value.map { (name, [$0]) } }
    }

    private var single: [(String, String?)] {
        [
            ("intercept", intercept), ("listener-ports", listenerPorts), ("neighbours", neighbours),
            ("vendordata-timeout", vendordataTimeout), ("resync-interval", resyncInterval), ("session-tokens", sessionTokens),
            ("hop-limit", hopLimit), ("neutron-secret", neutronSecret), ("token-key", tokenKey), ("user", user),
            ("identity-key", identityKey), ("run-directory", runDirectory), ("admin-socket", adminSocket),
            ("state-directory", stateDirectory), ("log-level", logLevel), ("admin-listen", adminListen),
        ]
    }

    private var limits: [(String, String?)] {
        [
            ("threads", threads), ("max-connections", connections), ("max-connections-per-guest", connectionsPerGuest),
            ("max-connections-per-second", connectionsPerSecond), ("max-requests-per-second", requestsPerSecond),
            ("max-bytes-per-second", bytesPerSecond), ("max-cpu-per-second", cpuPerSecond),
            ("max-held-requests", heldRequests), ("max-held-requests-per-guest", heldRequestsPerGuest),
            ("max-request-header-bytes", requestHeaderBytes), ("max-request-body-bytes", requestBodyBytes),
            ("request-timeout", requestTimeout), ("idle-timeout", idleTimeout), ("hold-timeout", holdTimeout),
        ]
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
