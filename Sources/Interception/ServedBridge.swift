import Common
import FoundationEssentials
import Guests
import NIOCore
import Netlink

/// A bridge whose guests are served: how, and its current state.
struct ServedBridge: Equatable {
    /// The bridge as its sockets know it.
    let link: ListenScope.Bridge
    /// Whether its ports are distinguished, as on a kernel bridge. On other links only the MAC address identifies the guest.
    let hasPorts: Bool
    var mode: BridgeMode
    /// Why it is served.
    var source: BridgeSelection.Source
    /// When its guests could first connect; `nil` before.
    var servedSince: Date?
    /// The listen addresses of a link whose ports are not distinguished.
    var endpoints: Set<Endpoint> = []
    /// The TCP port of each listening socket, by the port of the bridge and the MAC address that it is for.
    var listeners: [PortKey: UInt16] = [:]
    /// The run that each port belonged to last, by the index of its link.
    var tenancies: [Int32: Tenancy] = [:]
    /// The metadata addresses that are answered.
    var answered: [AnsweredAddress] = []
    /// The addresses that were added to the bridge, or found on it.
    var addresses: Set<IPAddress> = []
    /// When an address that another process removed was last added again.
    var restored: [IPAddress: ContinuousClock.Instant] = [:]
    /// Whether ARP and neighbour discovery for the metadata addresses are kept from its uplinks.
    var isolatesUplinks = false

    /// A listen address.
    struct Endpoint: Hashable {
        let address: IPAddress
        let port: UInt16
    }

    /// The port and the MAC address that a listening socket serves.
    struct PortKey: Hashable {
        /// The index of the port's link: a link recreated under the same name has another.
        let index: Int32
        /// The MAC address; `nil` for all without a socket of their own.
        let mac: MACAddress?
    }

    /// The domain run that a port belongs to.
    struct Tenancy: Equatable {
        /// When the port was first seen; `nil` where that was before any domain was read.
        let since: ContinuousClock.Instant?
        /// How often its link had been opened then; `nil` where each opening makes another link.
        let openings: TapOpenings?
        /// `nil` where it is not known.
        let run: DomainRun?

        /// Whether connections by the port continue: it is the same, and its domain has only become known.
        func continues(as next: Tenancy) -> Bool {
            since == next.since && openings == next.openings && (run == nil || run == next.run)
        }
    }

    /// Whether guests can connect, once the rules are written.
    var isOpen: Bool { hasPorts ? !answered.isEmpty : !endpoints.isEmpty }

    /// Whether no metadata address can be answered in its mode, which follows the host's own use of them: that may have changed.
    var awaitsMode: Bool {
        if case .redirect = mode { return hasPorts && answered.isEmpty }
        return false
    }

    /// The bridge as the record names it.
    var recorded: InstalledState.Bridge { InstalledState.Bridge(name: link.name, index: link.index) }

    /// The mode's name in logs.
    var modeName: String {
        if isolatesUplinks { return InterceptionMode.bridge.rawValue }
        switch mode {
        case .address: return InterceptionMode.address.rawValue
        case .redirect: return InterceptionMode.redirect.rawValue
        }
    }

    /// The addresses that guests connect to, as logs show them.
    var addressText: String {
        let all = hasPorts ? answered.map(\.metadata) : endpoints.map(\.address)
        return all.map { "\($0) port \(HostUse.port)" }.sorted().joined(separator: ", ")
    }
}

extension ServedBridge.Endpoint {
    /// The address to which a socket of one link binds.
    func socketAddress(onLink index: Int32) -> SocketAddress {
        do {
            guard address.isLinkLocal else { return try SocketAddress(ipAddress: "\(address)", port: Int(port)) }
            // getaddrinfo(3) parses the zone; it does no name lookup, because the address is numeric.
            return try SocketAddress.makeAddressResolvingHost("\(address.withoutZone)%\(index)", port: Int(port))
        } catch {
            preconditionFailure("an IPAddress is written as an address")
        }
    }
}
