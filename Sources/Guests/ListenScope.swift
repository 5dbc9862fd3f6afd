package import Common
package import Netlink
import Synchronization

/// The connections that a listening socket accepts, and what that implies about them.
package enum ListenScope: Sendable {
    /// Not bound to a link.
    case anywhere
    /// Only what enters by a link whose ports cannot be distinguished, such as an Open vSwitch bridge.
    case bridge(Bridge)
    /// Only what one port of a bridge sends, as nftables rules ensure.
    case port(PortScope)

    /// A link of the host that is a bridge of guests.
    package struct Bridge: Sendable, Hashable {
        package let name: String
        /// The index by which sockets are bound to it; a recreated bridge has another.
        package let index: Int32

        package init(name: String, index: Int32) {
            (self.name, self.index) = (name, index)
        }
    }

    /// The limit on new connections: only ports have one.
    var connectionRate: ConnectionRate? {
        if case .port(let scope) = self { return scope.connectionRate }
        return nil
    }

    /// Whether another program may be behind the port than when its sockets were opened, though nobody has noticed yet.
    var isOpenedAnew: Bool {
        if case .port(let scope) = self { return scope.isOpenedAnew }
        return false
    }

    /// The number of the current domain run on the port, by which a connection can later check that it is still the same.
    var generation: Int {
        if case .port(let scope) = self { return scope.generation }
        return 0
    }
}

/// The scope of one listening socket: connections of one bridge port that come from one MAC address.
package final class PortScope: Sendable {
    package let bridge: ListenScope.Bridge
    /// The name of the port's link, such as `vnet3`.
    package let port: String
    /// When the port's link was first seen; `nil` where that was before any domain was read.
    package let since: ContinuousClock.Instant?
    /// The openings of the port's link then; `nil` where each opening makes another link.
    let openings: TapOpenings?
    /// The source MAC address of all packets; `nil` where it is any but those of the port's own domain.
    package let mac: MACAddress?
    /// The mark of the packets that the socket accepts, to the exclusion of all others.
    package let mark: UInt32
    /// The limit on new connections, which all sockets of the port share; `nil` where there is none.
    package let connectionRate: ConnectionRate?
    private let changes = Atomic<Int>(0)

    package init(
        bridge: ListenScope.Bridge, port: String, since: ContinuousClock.Instant? = nil, openings: TapOpenings? = nil,
        mac: MACAddress?, mark: UInt32, connectionRate: ConnectionRate? = nil
    ) {
        (self.bridge, self.port, self.since, self.openings) = (bridge, port, since, openings)
        (self.mac, self.mark, self.connectionRate) = (mac, mark, connectionRate)
    }

    /// Whether another program may be behind the port than when its sockets were opened. Asks the kernel, where that is possible at all.
    var isOpenedAnew: Bool { openings?.haveChanged() ?? false }

    /// How often the port changed from one domain run to another, or to none.
    package var generation: Int { changes.load(ordering: .acquiring) }

    /// The port now belongs to another run: ends the existing connections.
    package func endConnections() { changes.add(1, ordering: .acquiringAndReleasing) }
}
