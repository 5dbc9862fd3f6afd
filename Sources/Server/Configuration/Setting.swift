import Common
import Logging
import NIOCore

/// One row of the table of settings: its name drives the flag `--name`, the environment variable `VIRT_METADATA_NAME` and the
/// key `name` of the configuration file; its reading is the same for the three.
struct Setting: Sendable {
    /// How many values it takes.
    enum Kind: Sendable {
        case single, list, flag
    }

    /// A value that cannot be used, and what would be.
    struct BadValue: Error {
        let problem: String
    }

    let name: String
    let kind: Kind
    /// What its value stands for, as help shows it.
    let valueName: String
    let help: String
    /// A value that can be used, for help and tests.
    let example: String
    let apply: @Sendable ([String], inout Configuration) throws(BadValue) -> Void

    /// `VIRT_METADATA_SWEEP_INTERVAL` for `sweep-interval`.
    var variable: String { Self.variablePrefix + String(name.uppercased().map { $0 == "-" ? "_" : $0 }) }

    static let variablePrefix = "VIRT_METADATA_"

    /// The row of a name.
    static func named(_ name: String) -> Setting {
        guard let setting = all.first(where: { $0.name == name }) else { preconditionFailure("no row for the setting '\(name)'") }
        return setting
    }

    private static func single<Value>(
        _ name: String, _ valueName: String, example: String, help: String,
        _ path: WritableKeyPath<Configuration, Value> & Sendable, _ read: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> Setting {
        Setting(name: name, kind: .single, valueName: valueName, help: help, example: example) { values, configuration throws(BadValue) in
            guard values.count == 1 else { throw BadValue(problem: "takes one value") }
            configuration[keyPath: path] = try read(values[0])
        }
    }

    private static func list<Value>(
        _ name: String, _ valueName: String, example: String, help: String,
        _ path: WritableKeyPath<Configuration, [Value]> & Sendable, _ read: @escaping @Sendable (String) throws(BadValue) -> Value
    ) -> Setting {
        Setting(name: name, kind: .list, valueName: valueName, help: help, example: example) { values, configuration throws(BadValue) in
            var read_: [Value] = []
            for value in values { read_.append(try read(value)) }
            configuration[keyPath: path] = read_
        }
    }

    /// Every setting there is.
    static let all: [Setting] = [
        single("connect", "uri", example: "qemu:///system", help: "The hypervisor to ask, read-only.", \.connect, Read.uri),
        list("listen", "address:port", example: "127.0.0.1:8775",
            help: "Where guests connect; [address]:port for IPv6; may be repeated. Default: \(Configuration.metadataAddress).",
            \.listen, Read.socketAddress),
        list("trust-forwarded-for", "cidr", example: "127.0.0.1/32",
            help: "Peers whose X-Forwarded-For names the caller; may be repeated. Default: nobody.", \.trustForwardedFor, Read.range),
        single("neighbours", "file", example: "fixtures/neighbours",
            help: "A file in the format of /proc/net/arp, where there is no Ethernet that names callers.", \.neighbours) { $0 },
        Setting(name: "edited", kind: .flag, valueName: "yes|no", help:
            "Take title and metadata from the definition for the next start, so that an edit shows at once.", example: "yes"
        ) { values, configuration throws(BadValue) in configuration.edited = try Read.yesOrNo(values) },
        single("sweep-interval", "time", example: "5m", help: "How often all domains are read again, whatever events said.",
            \.sweepInterval, Read.duration),
        single("log-level", "level", example: "debug", help: "trace, debug, info, notice, warning, error or critical.",
            \.logLevel, Read.logLevel),
        single("threads", "count", example: "2", help: "How many event loops serve guests.", \.threads) {
            text throws(BadValue) in try Read.count(text, 1...64)
        },
        single("request-head-bytes", "bytes", example: "16384", help: "Limit of a request's head; beyond it 431.",
            \.limits.requestHeadBytes) { text throws(BadValue) in try Read.count(text, 256...(1 << 20)) },
        single("request-body-bytes", "bytes", example: "65536", help: "Limit of a request's body; beyond it 413.",
            \.limits.requestBodyBytes) { text throws(BadValue) in try Read.count(text, 0...(16 << 20)) },
        single("request-timeout", "time", example: "10s", help: "From a request's first byte to its last; beyond it 408.",
            \.limits.requestTimeout, Read.duration),
        single("idle-timeout", "time", example: "60s", help: "How long a connection may be without a request.",
            \.limits.idleTimeout, Read.duration),
        single("hold-timeout", "time", example: "5s", help: "How long a request waits for the first inventory; then 404.",
            \.limits.holdTimeout, Read.duration),
        single("connections", "count", example: "8192", help: "Open connections in all.",
            \.limits.connections) { text throws(BadValue) in try Read.count(text, 1...1_000_000) },
        single("connections-per-caller", "count", example: "128", help: "Open connections of one address.",
            \.limits.connectionsPerCaller) { text throws(BadValue) in try Read.count(text, 1...1_000_000) },
        single("held-requests", "count", example: "1024", help: "Requests that wait for the first inventory.",
            \.limits.heldRequests) { text throws(BadValue) in try Read.count(text, 0...1_000_000) },
    ]
}
