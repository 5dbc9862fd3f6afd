/// Who is asking, before we know which instance that is: facts of the very connection.
public struct Caller: Sendable, Equatable {
    /// Where the connection comes from.
    public let address: IPAddress
    /// The hardware address its packets carry; `nil` where nothing says.
    public let mac: MACAddress?
    /// The bridge it came in by; `nil` where that is not known.
    public let bridge: String?

    /// Puts the three together.
    public init(address: IPAddress, mac: MACAddress?, bridge: String? = nil) {
        (self.address, self.mac, self.bridge) = (address, mac, bridge)
    }
}
