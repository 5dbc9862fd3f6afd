/// A way to a range of addresses by a router.
public struct Route: Sendable, Equatable {
    /// Where it leads; all addresses of a family where the prefix has no bits.
    public let destination: AddressRange
    /// The router.
    public let gateway: IPAddress

    /// The way to a range by a router; `nil` if the two are of different families.
    public init?(to destination: AddressRange, by gateway: IPAddress) {
        guard destination.address.family == gateway.family else { return nil }
        (self.destination, self.gateway) = (destination.canonical, gateway)
    }

    /// The way to everywhere by a router.
    public static func toEverywhere(by gateway: IPAddress) -> Route? {
        AddressRange(gateway, prefixLength: 0).flatMap { Route(to: $0, by: gateway) }
    }
}
