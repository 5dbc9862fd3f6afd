import Common
import Description
import Libvirt

/// A hypervisor's active networks, and the addresses leased by their DHCP servers.
struct NetworkFacts<Instant: InstantProtocol> where Instant.Duration == Duration {
    /// The shortest interval at which requests cause a network's leases to be read: the daemon reads a file each time.
    static var leaseInterval: Duration { .seconds(5) }

    /// By name.
    private(set) var networks: [LibvirtName: NetworkXML] = [:]
    /// The addresses last leased by DHCP, IPv4 first, by the name of the network.
    private(set) var leases: [LibvirtName: [MACAddress: [IPAddress]]] = [:]
    private var leasesRead: [LibvirtName: Instant] = [:]
    /// The hash of each network's last description, so that an unchanged one is not parsed again.
    private var readings: [LibvirtName: Int] = [:]

    var names: Set<LibvirtName> { Set(networks.keys) }

    func isNew(_ reading: Int, of network: LibvirtName) -> Bool { readings[network] != reading }

    mutating func note(_ reading: Int, of network: LibvirtName) { readings[network] = reading }

    /// - Returns: whether the network has changed.
    mutating func update(_ network: NetworkXML) -> Bool {
        networks.updateValue(network, forKey: network.name) != network
    }

    /// - Returns: whether the network was known.
    mutating func remove(_ name: LibvirtName) -> Bool {
        (leases[name], leasesRead[name], readings[name]) = (nil, nil, nil)
        return networks.removeValue(forKey: name) != nil
    }

    // MARK: Leases

    /// Whether a request may cause a network's leases to be read.
    func areLeasesDue(of network: LibvirtName, at now: Instant) -> Bool {
        hasLeases(network) && leasesRead[network].map { $0.duration(to: now) >= Self.leaseInterval } ?? true
    }

    func hasLeases(_ network: LibvirtName) -> Bool {
        networks[network]?.hasDHCP == true
    }

    /// Records that a network's leases are read now, whether that succeeds or not.
    mutating func beginReadingLeases(of network: LibvirtName, at now: Instant) {
        leasesRead[network] = now
    }

    /// Replaces a network's leases; of several of one family for one MAC address the last to expire counts.
    ///
    /// - Returns: the MAC addresses whose IP addresses have changed or expired.
    mutating func replaceLeases(of network: LibvirtName, by read: [Lease]) -> Set<MACAddress> {
        var newest: [MACAddress: [IPAddress.Family: Lease]] = [:]
        for lease in read {
            let other = newest[lease.mac]?[lease.address.family]
            if other.map({ $0.isOutlived(by: lease) }) ?? true { newest[lease.mac, default: [:]][lease.address.family] = lease }
        }
        let addresses = newest.mapValues { leases in [IPAddress.Family.v4, .v6].compactMap { leases[$0]?.address } }
        let before = leases.updateValue(addresses, forKey: network) ?? [:]
        return Set(before.keys).union(addresses.keys).filter { before[$0] != addresses[$0] }
    }
}

extension Lease {
    /// Whether another lease expires later; 0 is never.
    fileprivate func isOutlived(by other: Lease) -> Bool {
        expires != 0 && (other.expires == 0 || other.expires > expires)
    }
}
