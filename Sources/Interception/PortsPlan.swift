import Common
import Guests
import Netlink

/// The listening sockets to open and close for the ports of a bridge.
///
/// The local TCP port of a connection determines the port of the bridge for both its directions. So one guest's connections cannot block
/// another's, neither in a queue before accept(2) nor by their addresses.
struct PortsPlan: Equatable {
    /// A socket to open, for a port of this name.
    struct Opening: Equatable {
        let key: ServedBridge.PortKey
        let port: String
        /// When the port was first seen; `nil` where that was before any domain was read.
        var since: ContinuousClock.Instant?
        /// How often its link had been opened then; `nil` where each opening makes another link.
        var openings: TapOpenings?
    }

    /// The most sockets of one domain on a bridge: enough for a bond of twelve cards, or for thirty-two separate cards. One domain's author must not
    /// use up the ports of all.
    static let mostSocketsOfDomain = 64

    /// The sockets of ports that no longer belong to the same run of the same domain. Their connections are closed, and the next sockets have other
    /// numbers, so that data which the kernel still sends for one run does not reach the next one.
    var ended: Set<ServedBridge.PortKey> = []
    /// The run that has each port now, by the index of its link.
    var tenancies: [Int32: ServedBridge.Tenancy] = [:]
    /// The domains that name a port which was first seen after they were read, with the time of that.
    var unread: [InstanceUUID: ContinuousClock.Instant] = [:]
    /// The sockets that no port needs any more.
    var unwanted: Set<ServedBridge.PortKey> = []
    /// The sockets for any MAC address that are reassigned to a card.
    var inherited: [ServedBridge.PortKey] = []
    /// The sockets to open, in this order, once the rules are in place.
    var opened: [Opening] = []
    /// The ports that are up and that no rule can name: without rules, such a guest could do all that the others are kept from.
    var unguardable: [Link] = []
    var notes: [InterceptionNote] = []

    init(for bridge: ServedBridge, _ network: HostNetwork, _ snapshot: Snapshot, _ numbers: inout SocketNumbers) {
        let name = bridge.link.name
        let ports = RuleInputs.ports(of: bridge, network, snapshot).filter(\.isGuestPort)
        for link in network.ports(of: bridge.link.index) where !LinkName.isQuotable(link.name) {
            notes.append(.portUnnamable(link.name, on: name))
            if link.isUp, link.mayBeTap { unguardable.append(link) }
        }
        followRuns(of: ports, bridge, network.sightings, snapshot)
        var listening = Set(bridge.listeners.keys).subtracting(ended)
        numbers.used -= ended.count
        let wanted = wanted(by: ports, on: name, listening, &numbers)
        unwanted = listening.subtracting(wanted.map(\.key))
        listening.subtract(unwanted)
        inherit(wanted.map(\.key), &listening)
        opened = wanted.filter { !listening.contains($0.key) }
        // Their numbers are free from now on.
        numbers.used -= unwanted.count
    }

    private mutating func followRuns(
        of ports: [RuleInputs.Port], _ bridge: ServedBridge, _ sightings: LinkSightings, _ snapshot: Snapshot
    ) {
        for port in ports {
            let since = sightings.since(port.index)
            let claim = snapshot.claim(
                onPort: port.name, of: bridge.link.name, since: since, queues: port.openings?.queues ?? 0)
            for domain in claim.unread.map(\.instance.domain) {
                unread[domain] = [unread[domain], since].compactMap(\.self).max()
            }
            let now = ServedBridge.Tenancy(since: since, openings: port.openings, run: claim.owner?.run)
            tenancies[port.index] = now
            guard let before = bridge.tenancies[port.index], !before.continues(as: now) else { continue }
            ended.formUnion(bridge.listeners.keys.filter { $0.index == port.index })
        }
    }

    /// The sockets that the ports need, within the limits per domain and in total.
    private mutating func wanted(
        by ports: [RuleInputs.Port], on bridge: String, _ listening: Set<ServedBridge.PortKey>, _ numbers: inout SocketNumbers
    ) -> [Opening] {
        var wanted: [Opening] = []
        var sockets: [InstanceUUID: Int] = [:]
        for port in ports {
            let macs = port.listenedFor(on: bridge)
            if let domain = port.claimants.first?.domain {
                let total = sockets[domain, default: 0] + macs.count
                sockets[domain] = total
                if total > Self.mostSocketsOfDomain {
                    notes.append(.tooManyPorts(of: port.claimants[0].domainName, on: bridge))
                    continue
                }
            }
            let own = port.ownMACs
            for mac in macs {
                let key = ServedBridge.PortKey(index: port.index, mac: mac)
                if !listening.contains(key) {
                    let isAdditional = mac.map { !own.contains($0) } ?? false
                    if isAdditional, !numbers.hasCapacityForAdditional { continue }
                    numbers.used += 1
                }
                wanted.append(Opening(key: key, port: port.name, since: tenancies[port.index]?.since, openings: port.openings))
            }
        }
        return wanted
    }

    /// Reassigns a port's socket for any MAC address to its card, where the card has none yet: so connections that the guest opened before its
    /// domain was known continue, because their packets reach the same TCP port as before. Other addresses get a new socket.
    private mutating func inherit(_ wanted: [ServedBridge.PortKey], _ listening: inout Set<ServedBridge.PortKey>) {
        let owning = Set(listening.lazy.filter { $0.mac != nil }.map(\.index))
        var seen: Set<Int32> = []
        // The first key of a port is its card's.
        for key in wanted where seen.insert(key.index).inserted && key.mac != nil && !owning.contains(key.index) {
            guard listening.remove(key.forAnyMAC) != nil else { continue }
            listening.insert(key)
            inherited.append(key)
        }
    }
}

extension ServedBridge.PortKey {
    /// The same port, for all MAC addresses without a socket of their own.
    var forAnyMAC: Self { Self(index: index, mac: nil) }
}
