/// The peer of a connection before it is matched to an instance: facts of the connection itself.
package struct Client: Sendable, Equatable {
    /// The link on which a client's packets arrive.
    package enum Entrance: Sendable, Equatable {
        /// Unknown: the listener is not bound to a bridge.
        case unknown
        /// None of this host's links: a trusted peer or a neighbour file names the client.
        case named
        /// A link whose ports cannot be distinguished, such as an Open vSwitch bridge.
        case bridge(String)
        /// A bridge port: every packet of the connection arrives and leaves through it. `since` is when its link was first seen, `nil` where
        /// that was before any domain was read; `queues` is by how many queues of it programs have opened it, where more than one can.
        case port(String, bridge: String, since: ContinuousClock.Instant? = nil, queues: UInt32 = 0)

        /// Whether packets arrive on a bridge of this host.
        package var isBridge: Bool {
            switch self {
            case .unknown, .named: false
            case .bridge, .port: true
            }
        }
    }

    /// The source address of the connection.
    package let address: IPAddress
    /// The source MAC address of its packets; `nil` if unknown.
    package let mac: MACAddress?
    package let entrance: Entrance

    package init(address: IPAddress, mac: MACAddress?, entrance: Entrance = .unknown) {
        (self.address, self.mac, self.entrance) = (address, mac, entrance)
    }
}
