import Common
import Kernel
import NIOCore

/// A bridge whose guests are served: how, and what of it is in place.
struct ServedBridge {
    /// The bridge as its sockets know it.
    let place: ListeningPlace.Bridge
    /// How its guests reach us.
    var entry: Entry
    /// The listening sockets, by where they listen.
    var sockets: [Endpoint: GuestListener.ID] = [:]
    /// The addresses that we gave it, or found there and did not have to.
    var addresses: Set<IPAddress> = []
    /// When an address that somebody removed was last put back.
    var putBack: [IPAddress: ContinuousClock.Instant] = [:]
    /// Whether its packets for the metadata addresses are lifted out of it on their way elsewhere.
    var lifts = false

    /// Where a socket listens.
    struct Endpoint: Hashable {
        let address: IPAddress
        let port: UInt16
    }

    /// Whether guests can connect.
    var isOpen: Bool { !sockets.isEmpty }

    /// The bridge as the file of what is ours names it.
    var owned: OwnedThings.Bridge { OwnedThings.Bridge(name: place.name, index: place.index) }

    /// What the interception is called where it is shown.
    var modeName: String {
        if lifts { return InterceptionMode.bridge.rawValue }
        switch entry {
        case .address: return InterceptionMode.address.rawValue
        case .redirect: return InterceptionMode.redirect.rawValue
        }
    }
}

extension ServedBridge.Endpoint {
    /// The address as a socket of one link is bound to it.
    func socketAddress(onLink index: Int32) -> SocketAddress {
        do {
            guard address.isLinkLocal else { return try SocketAddress(ipAddress: "\(address)", port: Int(port)) }
            // getaddrinfo(3) reads the zone; it looks nothing up, for there is no name.
            return try SocketAddress.makeAddressResolvingHost("\(address.withoutZone)%\(index)", port: Int(port))
        } catch {
            preconditionFailure("an IPAddress is written as an address")
        }
    }
}
