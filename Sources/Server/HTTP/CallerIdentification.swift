import Common
import Kernel
import NIOHTTP1

/// How a connection becomes a caller: the source address of its own SYN, else the neighbour table asked for that one address.
struct CallerIdentification: Sendable {
    /// The kernel's neighbour table.
    let neighbours: Neighbours
    /// What stands in for it where there is no Ethernet.
    let file: NeighbourFile?
    /// The peers whose `X-Forwarded-For` is believed.
    let trusted: [AddressRange]

    /// The caller at the other end of an accepted connection; `nil` where that has no address.
    ///
    /// - Parameters:
    ///   - socket: the connection's file descriptor, if it has one.
    ///   - peer: the address that its socket names, as text; looked at only where the SYN was not kept.
    func caller(socket: CInt?, peer: @autoclosure () -> String?) -> Caller? {
        do {
            if let saved = try socket.flatMap({ try SavedSYN.read(fromAccepted: $0) }) {
                return Caller(address: saved.source, mac: saved.sourceMAC ?? neighbour(saved.source))
            }
            return peer().flatMap { IPAddress($0) }.map { Caller(address: $0, mac: neighbour($0)) }
        } catch {
            // A SYN that cannot be read is no reason to go by the table, which a guest can influence more easily.
            return peer().flatMap { IPAddress($0) }.map { Caller(address: $0, mac: nil) }
        }
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
        return Caller(address: address, mac: neighbour(address))
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
        return Caller(address: caller.address, mac: caller.mac, bridge: name)
    }

    private func neighbour(_ address: IPAddress) -> MACAddress? {
        if let file { return file.mac(of: address) }
        guard let index = try? neighbours.interface(toward: address) else { return nil }
        return try? neighbours.mac(of: address, onInterface: index)
    }
}
