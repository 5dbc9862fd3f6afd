/// Why a client matches no instance: the failed step between the connection and the instance.
package enum MatchFailure: Error, Sendable, Equatable {
    /// Neither the connection nor the neighbour table provides a MAC address.
    case noHardwareAddress
    /// No running domain has an interface with this MAC address.
    case noOwner(MACAddress)
    /// Only running domains of other hosts have the MAC address; their names.
    case elsewhere(MACAddress, [String])
    /// Several running domains have the MAC address, and nothing distinguishes them; their names.
    case severalOwners(MACAddress, [String])
    /// The packets arrive on a bridge or port of another domain: the domains that have the MAC address, and the domain of the
    /// port, if any.
    case wrongPort(MACAddress, of: [String], at: String, pluggedIn: String?)
    /// Several running domains have the port as a tap; their names.
    case contestedPort(String, [String])
    /// The port's link is newer than what is known of the domains that have it as a tap; their names.
    case unreadPort(String, [String])
    /// No running domain has the requested UUID.
    case noInstance(String)
    /// The named domain does not belong to the requested project.
    case foreignProject(String)
}

extension MatchFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noHardwareAddress: "no MAC address is known for the client"
        case .noOwner(let mac): "no running domain has an interface \(mac)"
        case .elsewhere(let mac, let domains):
            "\(mac) belongs to \(domains.joined(separator: ", ")) on another host, whose guests cannot connect to this server directly"
        case .severalOwners(let mac, let domains):
            "several running domains have an interface \(mac): \(domains.joined(separator: ", "))"
        case .wrongPort(let mac, let domains, let link, let portOwner):
            "\(mac) \(domains.isEmpty ? "belongs to no domain" : "belongs to \(domains.joined(separator: ", "))"), but arrived by \(link), "
                + (portOwner.map { "the port of \($0)" } ?? "which is not a port of a running domain")
        case .noInstance(let id): "no running domain has the UUID \(id.prefix(64))"
        case .foreignProject(let domain): "\(domain) does not belong to the requested project"
        case .contestedPort(let port, let domains):
            "several running domains have \(port) as the tap of an interface: \(domains.joined(separator: ", "))"
        case .unreadPort(let port, let domains):
            "\(port) is a new link, and libvirt has not been asked since whether it is still the tap of \(domains.joined(separator: ", "))"
        }
    }
}
