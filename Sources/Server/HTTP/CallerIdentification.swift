import Common
import Kernel
import NIOHTTP1

/// How a connection becomes a caller: the source address of its own SYN, else the neighbour table asked for that one address; and
/// on a bridge the port that the address is behind.
struct CallerIdentification: Sendable {
    /// The kernel's neighbour table.
    let neighbours: Neighbours
    /// The forwarding databases of the kernel's bridges.
    let ports: BridgePorts
    /// What stands in for the neighbour table where there is no Ethernet.
    let file: NeighbourFile?
    /// The peers whose `X-Forwarded-For` is believed.
    let trusted: [AddressRange]

    /// The caller at the other end of an accepted connection; `nil` where that has no address.
    ///
    /// - Parameters:
    ///   - socket: the connection's file descriptor, if it has one.
    ///   - peer: the address that its socket names, as text; looked at only where the SYN was not kept.
    ///   - place: where the listener stands that accepted it.
    func caller(socket: CInt?, peer: @autoclosure () -> String?, at place: ListeningPlace) -> Caller? {
        do {
            if let saved = try socket.flatMap({ try SavedSYN.read(fromAccepted: $0) }) {
                return caller(saved.source, bearing: saved.sourceMAC, place)
            }
            return peer().flatMap { IPAddress($0) }.map { caller($0, bearing: nil, place) }
        } catch {
            // A SYN that cannot be read is no reason to go by the table, which a guest can influence more easily.
            return peer().flatMap { IPAddress($0) }.map { Caller(address: $0, mac: nil, entrance: entrance(of: nil, place)) }
        }
    }

    private func caller(_ address: IPAddress, bearing own: MACAddress?, _ place: ListeningPlace) -> Caller {
        if own == nil, place == .anywhere, let file {
            return Caller(address: address, mac: file.mac(of: address), entrance: .named)
        }
        let mac = own ?? neighbour(address, place)
        return Caller(address: address, mac: mac, entrance: entrance(of: mac, place))
    }

    /// The same caller, looked for once more on its bridge, where that did not know its port.
    func lookingAgain(for caller: Caller, at place: ListeningPlace) -> Caller {
        guard case .port(nil, _) = caller.entrance else { return caller }
        return Caller(address: caller.address, mac: caller.mac, entrance: entrance(of: caller.mac, place))
    }

    private func entrance(of mac: MACAddress?, _ place: ListeningPlace) -> Caller.Entrance {
        guard case .bridge(let bridge) = place else { return .unknown }
        guard bridge.namesPorts else { return .bridge(bridge.name) }
        // A bridge that cannot be asked knows nothing; that it is gone, its listener's end tells.
        let port = mac.flatMap { mac in (try? ports.port(of: mac, onBridge: bridge.index)) ?? nil }
        return .port(port, bridge: bridge.name)
    }

    /// The caller of a request: the connection's, unless a trusted peer names another.
    ///
    /// `nil` if a trusted peer names none that can be used: no address, or more than one, which means that the guest had put
    /// something there before the peer added its own.
    func caller(of headers: HTTPHeaders, over connection: Caller) -> Caller? {
        guard !trusted.isEmpty, isTrusted(connection) else { return connection }
        let fields = headers["X-Forwarded-For"]
        guard let field = fields.first else { return connection }
        // No list, not even one with empty places: that too means that somebody wrote before the peer did.
        let elements = headers[canonicalForm: "X-Forwarded-For"]
        guard fields.count == 1, !field.contains(","), let address = elements.first.flatMap({ IPAddress(String($0)) }) else {
            return nil
        }
        return Caller(address: address, mac: neighbour(address, .anywhere), entrance: .named)
    }

    /// The caller of a request that begins a session: as of any other, but who is forwarded by a peer that is not trusted, or names
    /// itself besides what a trusted peer says, is nobody.
    func callerOfSession(_ headers: HTTPHeaders, over connection: Caller) -> Caller? {
        guard isTrusted(connection) || !headers.contains(name: "X-Forwarded-For") else { return nil }
        return caller(of: headers, over: connection)
    }

    /// Whether a connection comes from a peer whose `X-Forwarded-For` is believed.
    func isTrusted(_ connection: Caller) -> Bool {
        trusted.contains { $0.contains(connection.address) }
    }

    /// The same caller with the device on which packets to it would leave; `nil` if there is none.
    func locating(_ caller: Caller) -> Caller? {
        guard let index = try? neighbours.interface(toward: caller.address),
            let name = try? Links.name(ofInterface: index)
        else { return nil }
        return Caller(address: caller.address, mac: caller.mac, entrance: .bridge(name))
    }

    private func neighbour(_ address: IPAddress, _ place: ListeningPlace) -> MACAddress? {
        switch place {
        case .bridge(let bridge): return try? neighbours.mac(of: address, onInterface: bridge.index)
        case .anywhere:
            if let file { return file.mac(of: address) }
            guard let index = try? neighbours.interface(toward: address) else { return nil }
            return try? neighbours.mac(of: address, onInterface: index)
        }
    }
}
