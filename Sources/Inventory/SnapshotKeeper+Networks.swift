import Common
import Description
import HashTreeCollections
import Libvirt
import XML

/// Reads networks and their leases.
extension SnapshotKeeper {
    /// Reads all networks and their leases, one after the other, because all together may be larger than the server may become; their domains
    /// are read after that anyway.
    mutating func readNetworks() async throws(LibvirtError) {
        let names: [LibvirtName]
        do throws(LibvirtError) {
            names = try await hypervisor.networkNames()
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Domains are served without their networks too; the last facts of the networks stay in use.
            readLater(ifLate: error)
            return report.unreadableNetworks(error)
        }
        let listed = Set(names)
        for name in networks.names.subtracting(listed) { forgetNetwork(name) }
        report.read(networks: listed)
        for name in names {
            try await readFirst()
            try await performWaitingTask()
            _ = try await readNetwork(name)
            try await readLeases(of: name)
        }
    }

    mutating func refreshNetwork(_ name: LibvirtName) async throws(LibvirtError) {
        reassembleLater(try await readNetwork(name))
    }

    /// The last facts of a network that cannot be read stay in use.
    ///
    /// - Returns: the domains to assemble again.
    private mutating func readNetwork(_ name: LibvirtName) async throws(LibvirtError) -> [InstanceUUID] {
        do throws(LibvirtError) {
            return try await hypervisor.network(named: name).map { take($0) } ?? forgetNetwork(name)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            readLater(ifLate: error)
            report.unreadable(.description, of: name, error)
            return []
        }
    }

    /// - Returns: the domains to assemble again.
    private mutating func take(_ description: NetworkDescription) -> [InstanceUUID] {
        let reading = description.xml.hashValue
        guard networks.isNew(reading, of: description.name) else {
            report.usable(.description, of: description.name)
            return []
        }
        do throws(DescriptionError) {
            let network = try NetworkXML(InstanceAssembly.document(Array(description.xml.utf8)).root)
            report.usable(.description, of: description.name)
            networks.note(reading, of: description.name)
            guard networks.update(network) else { return [] }
            setBridge(network.bridge, isManaged: network.managesBridge, of: network.name)
            return dropReadings(ofDomainsOn: network.name)
        } catch {
            report.unusable(network: description.name, error)
            return []
        }
    }

    /// - Returns: the domains to assemble again.
    @discardableResult
    private mutating func forgetNetwork(_ name: LibvirtName) -> [InstanceUUID] {
        report.forgotten(network: name)
        guard networks.remove(name) else { return [] }
        setBridge(nil, of: name)
        return dropReadings(ofDomainsOn: name)
    }

    /// A domain is assembled again only if its reading has changed, so the readings of domains on a changed network are dropped.
    private mutating func dropReadings(ofDomainsOn network: LibvirtName) -> [InstanceUUID] {
        let affected = instances.filter { $0.value.interfaces.contains { $0.networkName == network } }.map(\.key)
        for domain in affected { readings[domain] = nil }
        return affected
    }

    /// Not at once: a network may have many domains, and a domain that starts does not wait for all of them.
    private func reassembleLater(_ domains: [InstanceUUID]) {
        for domain in domains { queue.add(.read(.attachedDomain(domain))) }
    }

    /// The names of another host's bridges have no meaning on this host. A name that is not printable may be equal to that of another
    /// network's bridge, as Swift compares strings.
    private func setBridge(_ bridge: String?, isManaged: Bool = false, of network: LibvirtName) {
        let usable = bridge.flatMap { LinkName.isPrintable($0) ? $0 : nil }
        guard host.isLocal else { return }
        ledger.withSnapshot { snapshot in
            snapshot.bridges[network] = usable
            snapshot.managedBridges[network] = isManaged ? usable : nil
        }
    }

    // MARK: Leases

    mutating func refreshLeases(of network: LibvirtName) async throws(LibvirtError) {
        guard networks.areLeasesDue(of: network, at: clock.now) else { return }
        for mac in try await readLeases(of: network) { reassembleLater(domains(bearing: mac)) }
    }

    /// Reads the leases of a network and returns the MAC addresses whose IP address has changed.
    @discardableResult
    private mutating func readLeases(of network: LibvirtName) async throws(LibvirtError) -> Set<MACAddress> {
        guard networks.hasLeases(network) else { return [] }
        networks.beginReadingLeases(of: network, at: clock.now)
        let read: [Lease]
        do throws(LibvirtError) {
            read = try await hypervisor.leases(network: network)
        } catch {
            guard await hypervisor.isConnected else { throw error }
            // Leases only complete addresses; no request waits for them.
            report.unreadable(.leases, of: network, error)
            return []
        }
        report.usable(.leases, of: network)
        let changed = networks.replaceLeases(of: network, by: read)
        for mac in changed {
            for domain in domains(bearing: mac) { readings[domain] = nil }
        }
        return changed
    }

    /// Only this hypervisor's domains.
    private func domains(bearing mac: MACAddress) -> [InstanceUUID] {
        ledger.withSnapshot { $0.domains(bearing: mac) }.filter { instances[$0] != nil }
    }
}
