import ArgumentParser
import Common
import Emulator

/// Which client is which instance, where `emulate` serves several at one port.
struct EmulatorClients: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            """
            Serve this source to clients with these addresses, separated by commas. All sources share one port. Repeatable. Other \
            clients get <source>, or 404 without one.
            """, valueName: "addresses=source"),
        completion: .file())
    var texts: [String] = []

    /// A source, and the addresses of its clients.
    struct Entry {
        let addresses: [IPAddress]
        let source: String
    }

    var isEmpty: Bool { texts.isEmpty }

    func validate() throws {
        var taken: [IPAddress: String] = [:]
        for entry in try entries() {
            for address in entry.addresses {
                if let other = taken.updateValue(entry.source, forKey: address) {
                    let sources = other == entry.source ? "\(other) twice" : "\(other) and \(entry.source)"
                    throw ValidationError("--as: \(address) has several sources (\(sources)): expected one")
                }
            }
        }
    }

    /// - Throws: `ValidationError`.
    func entries() throws -> [Entry] { try texts.map(Self.entry) }

    private static func entry(_ text: String) throws -> Entry {
        let failure = { (problem: String) in
            ValidationError(
                "invalid value '\(text.cleaned())' for --as: \(problem): expected ADDRESS=SOURCE, such as 127.0.0.2=web.xml")
        }
        guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { throw failure("no source") }
        let source = String(text[text.utf8.index(after: sign)...])
        guard !source.isEmpty else { throw failure("no source") }
        let addresses = try text[..<sign].split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let address = IPAddress(String(word)) else { throw failure("'\(String(word).cleaned())' is not an IP address") }
            guard !address.isUnspecified else { throw failure("no client has the address \(address)") }
            return address.withoutZone
        }
        return Entry(addresses: addresses, source: source)
    }

    /// The clients of each port.
    ///
    /// - Parameter instances: of the entries, in their order, and then those that have no address.
    func selections(_ instances: [EmulatedInstance], clock: any EmulatorClock) throws -> [ClientSelection] {
        guard !isEmpty else { return instances.map { ClientSelection($0) } }
        let entries = try entries()
        let clients = zip(entries, instances).flatMap { entry, instance in
            entry.addresses.map { (address: $0, instance: instance) }
        }
        let other = instances.count > entries.count ? instances[entries.count] : try EmulatedInstance.unmatched(clock: clock)
        return [ClientSelection(clients, other: other)]
    }

    /// Sentences about addresses that no client can have.
    ///
    /// - Parameter listening: the addresses that are listened on.
    func warnings(listening: [IPAddress]) throws -> [String] {
        try entries().flatMap(\.addresses).compactMap { address in
            // An IPv6 socket of all addresses takes IPv4 too.
            let isReachable = listening.contains { $0.family == address.family || $0.family == .v6 && $0.isUnspecified }
            guard !isReachable else { return nil }
            let (family, example) = address.family == .v4 ? ("IPv4", "127.0.0.1") : ("IPv6", "::1")
            return
                "--as \(address): no client can connect from this address, because there is no \(family) listen address: "
                + "add --listen \(example)"
        }
    }
}
