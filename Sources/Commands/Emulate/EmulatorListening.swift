import ArgumentParser
import Common
import Emulator

/// Where `emulate` listens.
struct EmulatorListening: ParsableArguments {
    private static let ports = 0...65_535

    /// Checks that each of so many sources has a port.
    func validate(ports count: Int) throws {
        let last = Self.ports.upperBound - count + 1
        guard port > last else { return }
        throw ValidationError(
            "--port \(port) with \(count) sources: each further source gets the next port: expected at most \(last)")
    }

    @Option(
        name: .customLong("port"),
        help: ArgumentHelp(
            "TCP port of the first source; each further source gets the next port. 0: any free port. (default: 0)",
            valueName: "port"),
        transform: { try IntegerArgument.value(of: $0, in: ports) })
    var chosenPort: Int?

    @Option(help: ArgumentHelp("Listen address, without a port. Repeatable. (default: 127.0.0.1)", valueName: "address"))
    var listen: [String] = []

    @Flag(
        name: .customLong("no-namespace"),
        help: "Run the command in this network namespace, with the emulator at 127.0.0.1 or the addresses of --listen.")
    var staysOutside = false

    var usesNamespace: Bool { !staysOutside }
    /// Whether the command line says where to listen.
    var isChosen: Bool { chosenPort != nil || !listen.isEmpty }
    var port: Int { chosenPort ?? 0 }

    func validate() throws {
        for text in listen {
            guard let address = IPAddress(text) else {
                throw ValidationError("invalid value '\(text)' for --listen: expected an IP address without a port")
            }
            guard !GuestNamespace.isReserved(address) else {
                throw ValidationError(
                    "invalid value '\(text)' for --listen: it is the address of a cloud's own service; run the agent in a namespace: "
                        + "virt-metadata emulate -- COMMAND")
            }
        }
    }

    /// What a listen address of every interface means; `nil` without one.
    var warning: String? {
        listen.first { IPAddress($0)?.isUnspecified == true }.map {
            "--listen \($0): every machine that reaches this host can read what is served, also keys and user data"
        }
    }

    func addresses() -> [IPAddress] {
        let chosen = listen.compactMap { IPAddress($0) }
        return chosen.isEmpty ? [IPAddress(v4: 0x7F00_0001)] : chosen
    }
}
