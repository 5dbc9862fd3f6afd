import Common
import Netlink

/// The host's links and addresses at one moment.
package struct HostNetwork {
    private let links: [String: Link]
    private let portsByBridge: [Int32: [Link]]
    private let addresses: [Int32: [LinkAddress]]
    /// When each port was first seen.
    private(set) var sightings = LinkSightings()

    /// Indexes links and addresses; `read` queries the kernel.
    init(links: [Link], addresses: [LinkAddress]) {
        // Two different names may be equal strings to Swift (canonical equivalence); names that rules can contain are not.
        let quotable = links.filter { LinkName.isQuotable($0.name) }
        self.links = Dictionary(quotable.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        portsByBridge = Dictionary(grouping: links.filter { $0.master != nil }, by: { $0.master ?? 0 })
        self.addresses = Dictionary(grouping: addresses, by: \.interface)
    }

    /// Queries the kernel, in the network namespace of the calling thread.
    static func read() throws(KernelError) -> HostNetwork {
        HostNetwork(links: try Links.all(), addresses: try Addresses.all())
    }

    /// Looks at the ports once more, and keeps when each was first seen.
    mutating func follow(_ earlier: LinkSightings, at time: ContinuousClock.Instant) {
        sightings = earlier
        sightings.look(at: portsByBridge.values.joined(), time)
    }

    func link(named name: String) -> Link? { links[name] }

    /// The links whose master is the bridge.
    func ports(of bridge: Int32) -> [Link] { portsByBridge[bridge] ?? [] }

    func addresses(of link: Int32) -> [LinkAddress] { addresses[link] ?? [] }

    /// The addresses of a link that are its own: not the metadata addresses.
    func ownAddresses(of link: Int32) -> [IPAddress] {
        addresses(of: link).map(\.address).filter { !MetadataAddress.all.contains($0.withoutZone) }
    }

    /// The link-local address of a link.
    func linkLocal(of link: Int32) -> IPAddress? { ownAddresses(of: link).first(where: \.isLinkLocal)?.withoutZone }
}

/// All that a plan needs from the host: its links and addresses, and facts that are queried for some bridges only.
struct HostFacts {
    /// Whether a bridge has IPv6: libvirt disables it on the bridges of networks that have no address of it.
    enum IPv6: Equatable {
        case enabled
        case disabled
        /// The query failed, for this reason.
        case unknown(String)
    }

    var network: HostNetwork
    /// Why the host cannot add the metadata addresses to its bridges; `nil` where it can, or where no bridge needs to know.
    var hostUse: String?
    /// By the name of the bridge.
    var ipv6: [String: IPv6] = [:]
}
