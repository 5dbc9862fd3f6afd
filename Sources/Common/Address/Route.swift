/// A route through a router on a link.
package struct Route: Sendable, Equatable {
    /// The destination; a prefix length of 0 means all addresses of the family.
    package let destination: AddressRange
    package let gateway: IPAddress
    /// The lowest metric wins; `nil` for the system's default.
    package var metric: Int?
    /// Whether the gateway is on the link although it is in none of the link's subnets.
    package var isOnLink = false

    /// A route; `nil` if destination and gateway are of different families.
    package init?(to destination: AddressRange, by gateway: IPAddress, metric: Int? = nil) {
        guard destination.address.family == gateway.family else { return nil }
        (self.destination, self.gateway, self.metric) = (destination.canonical, gateway, metric)
    }

    /// The default route through a router.
    package static func defaultRoute(through gateway: IPAddress) -> Route? {
        AddressRange(gateway, prefixLength: 0).flatMap { Route(to: $0, by: gateway) }
    }

    package var isDefault: Bool { destination.prefixLength == 0 }
}
