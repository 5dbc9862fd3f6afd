/// The lookup from a client to an instance.
extension Snapshot {
    /// Matches a client to an instance, or explains why it cannot.
    ///
    /// If the client's port is known, the client is the instance with that tap, and the MAC address must be one of the instance's
    /// own on that bridge. Otherwise the MAC address decides, together with the bridge if several interfaces share it. An
    /// instance of another host matches only if a trusted peer names the client.
    package func match(_ client: Client) -> Result<Owner, MatchFailure> {
        guard let mac = client.mac else { return .failure(.noHardwareAddress) }
        let all = owners(of: mac)
        switch client.entrance {
        case .unknown:
            return all.onlyDomain.map { .success($0) } ?? .failure(unknown(mac, all))
        case .named:
            let everywhere = all + remoteOwners(of: mac, without: all)
            return everywhere.onlyDomain.map { .success($0) } ?? .failure(unknown(mac, everywhere))
        case .bridge(let bridge):
            let onBridge = all.filter { $0.bridge == bridge }
            if let owner = onBridge.onlyDomain { return .success(owner) }
            return .failure(all.isEmpty || !onBridge.isEmpty ? unknown(mac, all) : wrongPort(mac, all, at: bridge, nil))
        case .port(let port, let bridge, let since, let queues):
            return match(mac, all, at: port, claim(onPort: port, of: bridge, since: since, queues: queues), bridge)
        }
    }

    /// The interfaces of other hosts' domains, except domains that are also on this host, as during a migration.
    private func remoteOwners(of mac: MACAddress, without local: [Owner]) -> [Owner] {
        remoteAddresses[mac].filter { owner in !local.contains { $0.instance.domain == owner.instance.domain } }
    }

    private func match(
        _ mac: MACAddress, _ all: [Owner], at port: String, _ claim: PortClaim, _ bridge: String
    ) -> Result<Owner, MatchFailure> {
        let portOwner: Owner
        switch claim {
        case .owned(let owner): portOwner = owner
        case .none: return .failure(all.isEmpty ? unknown(mac, all) : wrongPort(mac, all, at: port, nil))
        case .unread(let owners): return .failure(.unreadPort(port, owners.shownNames))
        case .contested(let owners): return .failure(.contestedPort(port, owners.shownNames))
        }
        // Other domains may have the same address: the response leaves through this port only.
        let own = all.filter { $0.instance.domain == portOwner.instance.domain && $0.description.isBehind(port, of: bridge) }
        guard let first = own.first else { return .failure(wrongPort(mac, all, at: port, portOwner)) }
        return .success(own.first { $0.interface == portOwner.interface } ?? first)
    }

    private func unknown(_ mac: MACAddress, _ all: [Owner]) -> MatchFailure {
        if !all.isEmpty { return .severalOwners(mac, all.shownNames) }
        let elsewhere = remoteAddresses[mac]
        return elsewhere.isEmpty ? .noOwner(mac) : .elsewhere(mac, elsewhere.shownNames)
    }

    private func wrongPort(_ mac: MACAddress, _ all: [Owner], at link: String, _ portOwner: Owner?) -> MatchFailure {
        let owners = all.isEmpty ? remoteAddresses[mac] : all
        return .wrongPort(
            mac, of: owners.shownNames, at: link, pluggedIn: portOwner?.instance.domainName)
    }
}

extension NetworkInterface {
    /// Whether the interface's packets may arrive on a bridge port: the interface is on that bridge, as the other cards of a bond
    /// are, or names no bridge (type `ethernet`) and has the port as its tap.
    package func isBehind(_ port: String, of bridge: String) -> Bool {
        self.bridge.map { $0 == bridge } ?? (tap == port)
    }
}

extension [Snapshot.Owner] {
    /// The first of interfaces of one domain, which may have several with one MAC address; `nil` where there are none, or several domains.
    fileprivate var onlyDomain: Snapshot.Owner? {
        guard let first, allSatisfy({ $0.instance.domain == first.instance.domain && $0.host == first.host }) else { return nil }
        return first
    }

    /// The most domains to name. One domain may have hundreds of interfaces with one address, and so may each of many.
    private static var mostNames: Int { 3 }

    /// The names of the domains, each once, and `others` for those beyond the first.
    fileprivate var shownNames: [String] {
        var names: [String] = []
        for name in lazy.map(\.instance.domainName) where !names.contains(name) {
            guard names.count < Self.mostNames else { return names + ["others"] }
            names.append(name)
        }
        return names
    }
}
