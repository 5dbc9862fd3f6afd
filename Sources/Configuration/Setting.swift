import Common
import Guests
import Identity
import Interception
import Logging
import NIOCore

/// One row of the table of settings: its name determines the flag `--name`, the environment variable `VIRT_METADATA_NAME` and the
/// key `name` of the configuration file; all three are parsed in the same way.
package struct Setting: Sendable {
    /// How many values the setting takes.
    enum Kind: Sendable {
        case single, list, flag
    }

    /// An invalid value, and the expected one.
    struct BadValue: Error {
        let problem: String
    }

    package let name: String
    let kind: Kind
    /// The placeholder of the value in help texts.
    package let valueName: String
    package let help: String
    /// A valid value that is not the default.
    package let example: String
    let apply: @Sendable ([String], inout Configuration) throws(BadValue) -> Void

    /// `VIRT_METADATA_SWEEP_INTERVAL` for `sweep-interval`.
    package var variable: String { Self.variablePrefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }

    static let variablePrefix = "VIRT_METADATA_"

    /// The row with a name.
    package static func named(_ name: String) -> Setting {
        guard let setting = all.first(where: { $0.name == name }) else { preconditionFailure("no row for the setting '\(name)'") }
        return setting
    }

    private static func single<Value>(
        _ name: String, _ valueName: String, example: String, help: String,
        _ assign: @escaping @Sendable (Value, inout Configuration) -> Void,
        _ read: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> Setting {
        Setting(name: name, kind: .single, valueName: valueName, help: help, example: example) {
            values, configuration throws(BadValue) in
            guard values.count == 1 else { throw BadValue(problem: "takes one value") }
            assign(try read(values[0]), &configuration)
        }
    }

    private static func list<Value>(
        _ name: String, _ valueName: String, example: String, help: String,
        _ assign: @escaping @Sendable ([Value], inout Configuration) -> Void,
        _ read: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> Setting {
        Setting(name: name, kind: .list, valueName: valueName, help: help, example: example) {
            values, configuration throws(BadValue) in
            var all: [Value] = []
            for value in values { all.append(try read(value)) }
            assign(all, &configuration)
        }
    }

    private static func count(
        _ name: String, _ valueName: String, _ range: ClosedRange<Int>, example: String, help: String,
        _ assign: @escaping @Sendable (Int, inout Configuration) -> Void
    ) -> Setting {
        single(name, valueName, example: example, help: help, assign) { text throws(BadValue) in
            try Read.count(text, range)
        }
    }

    package static let all: [Setting] = [
        Setting(
            name: "connect", kind: .list, valueName: "uri",
            help:
                "The hypervisors to ask, read-only as a rule: the first is this host's, the others are other hosts'; may be repeated.",
            example: "qemu+unix:///system"
        ) { values, configuration throws(BadValue) in configuration.connect = try Read.uris(values) },
        list(
            "listen", "address:port", example: "127.0.0.1:8775",
            help: "Where guests connect besides their bridges; [address]:port for IPv6; may be repeated.",
            { $1.listen = $0 }, Read.socketAddress),
        list(
            "networks", "name", example: "default", help: "Serve only the bridges of these networks; may be repeated.",
            { $1.interception.selection.networks = $0 }, Read.network),
        list(
            "bridge", "name", example: "br0", help: "Serve only these bridges, besides those of --networks; may be repeated.",
            { $1.interception.selection.bridges = $0 }, Read.bridge),
        single(
            "intercept", "mode", example: "redirect",
            help: "How packets for the metadata addresses become ours: auto, address, redirect, bridge or none.",
            { $1.interception.mode = $0 }, Read.mode),
        Setting(
            name: "guard", kind: .single, valueName: "on|off",
            help: "Drop frames that bear another guest's hardware address.", example: "off"
        ) { values, configuration throws(BadValue) in configuration.interception.guardsPorts = try Read.yesOrNo(values) },
        count(
            "connections-per-second", "count", 1...1_000_000, example: "20",
            help: "New connections by one guarded port; beyond it, and two seconds' worth at once, they wait in the guest.",
            { $1.interception.connectionsPerSecond = $0 }),
        single(
            "listener-ports", "first-last", example: "62000-64999",
            help: "The TCP ports that guests' requests are sent to, on their bridges: two or more for each interface of a guest.",
            { $1.interception.listenerPorts = $0 }, Read.ports),
        Setting(
            name: "leave-open", kind: .flag, valueName: "yes|no",
            help: "Leave the bridges as they were when the server ends, instead of closed to requests for metadata.",
            example: "yes"
        ) { values, configuration throws(BadValue) in configuration.leavesBridgesOpen = try Read.yesOrNo(values) },
        single(
            "user", "name", example: "nobody",
            help: "Started as root, the server becomes this user. Default: virt-metadata, where there is that user.",
            { $1.user = $0 }
        ) { $0 },
        single(
            "run-directory", "directory", example: "/run/vm", help: "Where it is written what the server put into the kernel.",
            { $1.runDirectory = $0 }, Read.absolutePath),
        single(
            "admin-socket", "path", example: "/run/vm/admin.sock",
            help: """
                The Unix socket at which root asks the server what it knows, or none. Default: admin.sock in the run directory, \
                where bridges are served.
                """,
            { $1.adminSocket = $0 }, Read.pathOrNone),
        single(
            "admin-listen", "address:port", example: "127.0.0.1:9169",
            help: "Where metrics and health are shown besides, on a loopback address.",
            { $1.adminListen = $0 }, Read.loopbackAddress),
        list(
            "trust-forwarded-for", "cidr", example: "127.0.0.1/32",
            help: "Peers whose X-Forwarded-For names the caller; may be repeated. Default: nobody.",
            { $1.trustForwardedFor = $0 }, Read.range),
        single(
            "neighbours", "file", example: "fixtures/neighbours",
            help: "A file in the format of /proc/net/arp, where there is no Ethernet that names callers.", { $1.neighbours = $0 }
        ) { $0 },
        Setting(
            name: "edited", kind: .flag, valueName: "yes|no",
            help:
                "Take title and metadata from the definition for the next start, so that an edit shows at once.", example: "yes"
        ) { values, configuration throws(BadValue) in configuration.edited = try Read.yesOrNo(values) },
        Setting(
            name: "allow-password", kind: .single, valueName: "yes|no",
            help: "Let each guest leave a password, once; it is kept in its domain, by a second connection that can write.",
            example: "yes"
        ) { values, configuration throws(BadValue) in configuration.allowsPasswords = try Read.yesOrNo(values) },
        single(
            "state-directory", "directory", example: "/srv/vm",
            help: "Where keys are kept that the server makes at its first start. Default: \(Secrets.Locations.defaultDirectory).",
            { $1.secrets.directory = $0 }, Read.absolutePath),
        single(
            "token-key", "file", example: "/etc/vm/token.key",
            help: "The key of session tokens; hosts that share it take each other's. Default: token.key in the state directory.",
            { $1.secrets.tokenKey = $0 }, Read.absolutePath),
        single(
            "identity-key", "file", example: "/etc/vm/identity.pem",
            help: """
                An RSA key and its certificate in PEM, by which identity documents are signed, or none. \
                Default: identity.pem in the state directory.
                """,
            { $1.secrets.identityKey = $0 }, Read.fileOrNone),
        single(
            "neutron-secret", "file", example: "/etc/vm/neutron.secret",
            help: """
                What Neutron's metadata agents sign by; with it whoever connects to --listen is one, and names the instance. \
                Its contents are Nova's metadata_proxy_shared_secret.
                """,
            { $1.secrets.neutronSecret = $0 }, Read.absolutePath),
        single(
            "tokens", "policy", example: "required",
            help: "Whether requests must bear a session token, unless the domain says: optional or required.",
            { $1.sessions.tokens = $0 }, Read.tokens),
        count(
            "hop-limit", "count", 1...64, example: "1",
            help: "How many hops the answer that brings a token may go, unless the domain says; 1 does not leave the guest.",
            { $1.sessions.hopLimit = $0 }),
        Setting(
            name: "vendordata-target", kind: .list, valueName: "name@url",
            help: """
                A service that is told of each instance and answers with JSON, which vendor_data2.json has by its name; \
                may be repeated.
                """,
            example: "inventory@http://127.0.0.1:8000/vendordata"
        ) { values, configuration throws(BadValue) in
            configuration.vendorDataTargets = try Read.vendorDataTargets(values)
        },
        single(
            "vendordata-timeout", "time", example: "2s", help: "How long such a service may take; beyond it it has said nothing.",
            { $1.vendorDataTimeout = $0 }
        ) { text throws(BadValue) in try Read.duration(text, upTo: .seconds(60), "a minute") },
        single(
            "sweep-interval", "time", example: "10m", help: "How often all domains are read again, whatever events said.",
            { $1.sweepInterval = $0 }, Read.duration),
        single(
            "log-level", "level", example: "debug", help: "trace, debug, info, notice, warning, error or critical.",
            { $1.logLevel = $0 }, Read.logLevel),
        list(
            "host-name", "name", example: "metadata.example",
            help: """
                The names by which a browser may ask, besides addresses and localhost: its requests by another name get 403, and so \
                does a page that made its own name point here; may be repeated. Default: \(HostNames.usual.joined(separator: ", ")).
                """,
            { $1.hostNames = $0 }, Read.hostName),
        count(
            "threads", "count", 1...Configuration.mostThreads, example: "2",
            help: "How many threads serve guests. Default: one for each processor that the server may use.",
            { $1.threads = $0 }),
        count(
            "request-head-bytes", "bytes", 256...(1 << 20), example: "32768", help: "Limit of a request's head; beyond it 431.",
            { $1.limits.requestHeadBytes = $0 }),
        count(
            "request-body-bytes", "bytes", 0...(16 << 20), example: "131072", help: "Limit of a request's body; beyond it 413.",
            { $1.limits.requestBodyBytes = $0 }),
        single(
            "request-timeout", "time", example: "5s", help: "From a request's first byte to its last; beyond it 408.",
            { $1.limits.requestTimeout = $0 }, Read.duration),
        single(
            "idle-timeout", "time", example: "30s", help: "How long a connection may be without a request.",
            { $1.limits.idleTimeout = $0 }, Read.duration),
        single(
            "hold-timeout", "time", example: "2500ms",
            help: "How long a request waits for the first inventory or, on a bridge, for its domain; then 404.",
            { $1.limits.holdTimeout = $0 }, Read.duration),
        count(
            "connections", "count", 1...1_000_000, example: "4096", help: "Open connections in all.",
            { $1.limits.connections = $0 }),
        count(
            "connections-per-caller", "count", 1...1_000_000, example: "64",
            help: "Open connections of one guest: of one port of a bridge, else one hardware address, else one address.",
            { $1.limits.connectionsPerClient = $0 }),
        count(
            "held-requests", "count", 0...1_000_000, example: "512",
            help: "Requests that wait for the first inventory or for their domain.", { $1.limits.heldRequests = $0 }),
        count(
            "held-requests-per-caller", "count", 0...1_000_000, example: "8",
            help: "Those of one such guest.", { $1.limits.heldPerClient = $0 }),
        count(
            "requests-per-second", "count", 1...1_000_000, example: "100",
            help: "Requests of one such guest; beyond it, and two seconds' worth at once, 429.",
            { $1.limits.rates.requestsPerSecond = $0 }),
        count(
            "bytes-per-second", "bytes", 1024...(1 << 40), example: "4194304",
            help: "What replies to one such guest may have; beyond it, and two seconds' worth at once, 429.",
            { $1.limits.rates.bytesPerSecond = $0 }),
        single(
            "cpu-per-second", "time", example: "500ms",
            help: "How long the requests of one such guest may take to answer; beyond it, and two seconds' worth at once, 429.",
            { $1.limits.rates.cpuPerSecond = $0 }
        ) { text throws(BadValue) in try Read.duration(text, upTo: .seconds(Configuration.mostThreads), "all threads have") },
    ]
}
