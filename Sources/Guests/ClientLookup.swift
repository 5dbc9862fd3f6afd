package import Common
package import Host
package import Netlink
import Sockets

/// Finds the client of a connection: on a bridge by the port that its listening socket serves; elsewhere by the source address of
/// the connection's own SYN, or else by the neighbour table, queried for that one address.
package struct ClientLookup: Sendable {
    package let neighbours: Neighbours
    /// The file that replaces the neighbour table where there is no Ethernet.
    package let file: NeighbourFile?
    /// The peers whose `X-Forwarded-For` is trusted.
    package let trusted: [AddressRange]

    package init(neighbours: Neighbours, file: NeighbourFile?, trusted: [AddressRange]) {
        (self.neighbours, self.file, self.trusted) = (neighbours, file, trusted)
    }

    /// The client of an accepted connection; `nil` where the connection has no address.
    ///
    /// - Parameters:
    ///   - socket: the connection's file descriptor, if it has one.
    ///   - peer: the address of the socket's peer; evaluated only where the kernel kept no SYN.
    ///   - scope: the scope of the listener that accepted the connection.
    package func client(socket: CInt?, peer: @autoclosure () -> IPAddress?, of scope: ListenScope) -> Client? {
        do {
            if let saved = try socket.flatMap({ try SavedSYN.read(fromAccepted: $0) }) {
                return client(saved.source, sourceMAC: saved.sourceMAC, scope)
            }
            return peer().map { client($0, sourceMAC: nil, scope) }
        } catch {
            // An unreadable SYN is no reason to use the table, which a guest can influence more easily.
            let unread = Self.entrance(of: scope, mac: nil)
            return peer().map { Client(address: $0, mac: unread.mac, entrance: unread.entrance) }
        }
    }

    private func client(_ address: IPAddress, sourceMAC own: MACAddress?, _ scope: ListenScope) -> Client {
        if own == nil, case .anywhere = scope, let file {
            return Client(address: address, mac: file.mac(of: address), entrance: .named)
        }
        let (mac, entrance) = Self.entrance(of: scope, mac: own ?? neighbour(address, scope))
        return Client(address: address, mac: mac, entrance: entrance)
    }

    /// The origin that a socket's scope implies. Where the socket serves one MAC address, nftables rules have matched each
    /// frame, and neither the SYN nor the table knows better.
    private static func entrance(of scope: ListenScope, mac: MACAddress?) -> (mac: MACAddress?, entrance: Client.Entrance) {
        switch scope {
        case .anywhere: (mac, .unknown)
        case .bridge(let bridge): (mac, .bridge(bridge.name))
        case .port(let port):
            (
                port.mac ?? mac,
                .port(port.port, bridge: port.bridge.name, since: port.since, queues: port.openings?.queues ?? 0)
            )
        }
    }

    /// The client of a request: the connection's, unless a trusted peer names another.
    ///
    /// `nil` if a trusted peer names no usable client: no address, or more than one, which means that the guest had sent the
    /// field itself before the peer added its own.
    package func client(of request: GuestRequest, over connection: Client) -> Client? {
        guard !trusted.isEmpty, isTrusted(connection) else { return connection }
        switch request.fields.forwardedFor {
        case .absent: return connection
        case .repeated: return nil
        case .once(let field):
            // A list, even one with empty elements, means that the guest sent the field before the peer did.
            guard !field.utf8.contains(UInt8(ascii: ",")), let address = IPAddress(field) else {
                return nil
            }
            return Client(address: address, mac: neighbour(address, .anywhere), entrance: .named)
        }
    }

    /// The client of a request that begins a session: as of any other, but `nil` where a peer that is not trusted sends
    /// `X-Forwarded-For`.
    func clientOfSession(_ request: GuestRequest, over connection: Client) -> Client? {
        guard isTrusted(connection) || request.fields.forwardedFor == .absent else { return nil }
        return client(of: request, over: connection)
    }

    /// Whether a connection comes from a peer whose `X-Forwarded-For` is trusted.
    ///
    /// A peer on a bridge is a guest. It can send from any address, and gets the replies: they go to its port, wherever the address is.
    func isTrusted(_ connection: Client) -> Bool {
        !connection.entrance.isBridge && trusted.contains { $0.contains(connection.address) }
    }

    /// The same client with the device through which packets to it leave; `nil` if there is none.
    func locating(_ client: Client) -> Client? {
        guard let index = try? neighbours.interface(toward: client.address),
            let name = try? Links.name(ofInterface: index)
        else { return nil }
        return Client(address: client.address, mac: client.mac, entrance: .bridge(name))
    }

    private func neighbour(_ address: IPAddress, _ scope: ListenScope) -> MACAddress? {
        switch scope {
        case .bridge(let bridge): return try? neighbours.mac(of: address, onInterface: bridge.index)
        // The table holds what guests announce about each other.
        case .port: return nil
        case .anywhere:
            if let file { return file.mac(of: address) }
            guard let index = try? neighbours.interface(toward: address) else { return nil }
            return try? neighbours.mac(of: address, onInterface: index)
        }
    }
}
