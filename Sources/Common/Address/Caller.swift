/// Who is asking, before we know which instance that is: facts of the very connection.
public struct Caller: Sendable, Equatable {
    /// By what a caller's packets came in, as far as the host can say.
    public enum Entrance: Sendable, Equatable {
        /// Nothing says: a listener that is not bound to a bridge.
        case unknown
        /// By none of ours: whom the operator trusts says who it is, a peer or a file.
        case named
        /// A bridge that does not say by which of its ports: one that filters VLANs, or that of an Open vSwitch.
        case bridge(String)
        /// A bridge, and the port of it that the hardware address is behind; `nil` where the bridge does not know that now.
        case port(String?, bridge: String)

        /// Whether it is a bridge of this host.
        public var isBridge: Bool {
            switch self {
            case .unknown, .named: false
            case .bridge, .port: true
            }
        }
    }

    /// Where the connection comes from.
    public let address: IPAddress
    /// The hardware address its packets carry; `nil` where nothing says.
    public let mac: MACAddress?
    /// By what they came in.
    public let entrance: Entrance

    /// Puts the three together.
    public init(address: IPAddress, mac: MACAddress?, entrance: Entrance = .unknown) {
        (self.address, self.mac, self.entrance) = (address, mac, entrance)
    }
}
