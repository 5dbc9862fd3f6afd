/// A route to an address range through a router.
package struct Route: Sendable, Equatable {
    /// The destination; a prefix length of 0 means all addresses of the family.
    package let destination: AddressRange
    package let gateway: IPAddress

    /// A route; `nil` if destination and gateway are of different families.
    package init?(to destination: AddressRange, by gateway: IPAddress) {
        guard destination.address.family == gateway.family else { return nil }
        (self.destination, self.gateway) = (destination.canonical, gateway)
    }

    /// The default route through a router.
    package static func defaultRoute(through gateway: IPAddress) -> Route? {
        AddressRange(gateway, prefixLength: 0).flatMap { Route(to: $0, by: gateway) }
    }
}
