import Common
import Kernel
import NIOCore

/// How one bridge gets its addresses and sockets.
extension Interceptor {
    /// Brings a bridge's addresses and sockets in line.
    func settle(_ name: String, _ network: HostNetwork) async {
        guard let bridge = served[name] else { return }
        if settings.guardsPorts { stopLearningFromLinkLocal(bridge, network) }
        let wantsIPv6 = hasIPv6(bridge)
        switch bridge.entry {
        case .address:
            let wanted = [MetadataAddress.v4] + (wantsIPv6 ? MetadataAddress.v6 : [])
            let present = Set(network.addresses(of: bridge.place.index).map(\.address))
            for address in wanted where give(address, to: name, present) {
                await open(ServedBridge.Endpoint(address: address, port: HostUse.port), on: name)
            }
        case .redirect(let reason):
            await settleRedirected(name, network, reason, wantsIPv6: wantsIPv6)
        }
    }

    private func settleRedirected(_ name: String, _ network: HostNetwork, _ reason: String, wantsIPv6: Bool) async {
        guard let bridge = served[name] else { return }
        let others = network.addresses(of: bridge.place.index).filter { !isMetadata($0.address) }
        takeBackAddresses(of: name)
        guard others.contains(where: { $0.address.family == .v4 }) else {
            let advice = "\(reason), so packets are to be redirected, and that needs an IPv4 address on the bridge"
            return report.failed("redirect", on: name, advice)
        }
        report.succeeded("redirect", on: name)
        let families: [IPAddress.Family] =
            wantsIPv6 && others.contains { $0.address.family == .v6 && !$0.address.isLinkLocal } ? [.v4, .v6] : [.v4]
        for family in families where !bridge.sockets.keys.contains(where: { $0.address.family == family }) {
            let any = IPAddress(octets: [UInt8](repeating: 0, count: family == .v4 ? 4 : 16)) ?? IPAddress(v4: 0)
            await open(ServedBridge.Endpoint(address: any, port: Self.redirectPort), on: name)
        }
    }

    private func isMetadata(_ address: IPAddress) -> Bool {
        address == MetadataAddress.v4 || MetadataAddress.v6.contains(address)
    }

    /// libvirt disables IPv6 on the bridges of networks that have no address of it.
    private func hasIPv6(_ bridge: ServedBridge) -> Bool {
        let name = bridge.place.name
        do throws(KernelError) {
            guard try Addresses.isIPv6Disabled(onInterface: name) else { return true }
            report.ipv6Disabled(on: name)
        } catch {
            report.failed("see whether IPv6 is enabled", on: name, "\(error)")
        }
        return false
    }

    // MARK: Addresses

    /// Gives a bridge an address unless it has it; one that somebody removed is put back once in a while.
    /// - Returns: Whether the bridge has it now.
    private func give(_ address: IPAddress, to name: String, _ present: Set<IPAddress>) -> Bool {
        guard let bridge = served[name] else { return false }
        if present.contains(address) {
            served[name]?.addresses.insert(address)
            return true
        }
        let now = ContinuousClock.now
        if bridge.addresses.contains(address) {
            if let last = bridge.putBack[address], now - last < Self.patience { return false }
            served[name]?.putBack[address] = now
            report.putsBack(address, on: name)
        }
        let thing = OwnedThings.Address(bridge: bridge.owned, address: address)
        guard change({ $0.addresses.insert(thing) }) else { return false }
        do throws(KernelError) {
            network = nil
            try Addresses.add(linkAddress(thing))
            served[name]?.addresses.insert(address)
            report.succeeded("add \(address)", on: name)
            return true
        } catch {
            report.failed("add \(address)", on: name, error.naming("CAP_NET_ADMIN"))
            change { $0.addresses.remove(thing) }
            return false
        }
    }

    private func takeBackAddresses(of name: String) {
        guard let bridge = served[name] else { return }
        for thing in file.things.addresses where thing.bridge == bridge.owned {
            do throws(KernelError) {
                network = nil
                try Addresses.remove(linkAddress(thing))
            } catch {
                guard error.code == .addressNotAvailable || error.code == .noSuchDevice else {
                    report.failed("remove \(thing.address)", on: name, error.naming("CAP_NET_ADMIN"))
                    continue
                }
            }
            change { $0.addresses.remove(thing) }
        }
    }

    private func linkAddress(_ thing: OwnedThings.Address) -> LinkAddress {
        LinkAddress(
            thing.address, prefixLength: MetadataAddress.prefixLength(of: thing.address), interface: thing.bridge.index)
    }

    // MARK: Sockets

    /// Listens somewhere unless we do; where something else holds the port, packets are redirected from then on.
    private func open(_ endpoint: ServedBridge.Endpoint, on name: String) async {
        guard let bridge = served[name], bridge.sockets[endpoint] == nil else { return }
        do throws(ListenError) {
            let id = try await listen(endpoint, at: bridge.place)
            let port = listener.address(of: id)?.port.flatMap { UInt16(exactly: $0) } ?? endpoint.port
            // The bridge may have gone while we waited.
            guard served[name]?.place == bridge.place else { return listener.close(id) }
            served[name]?.sockets[ServedBridge.Endpoint(address: endpoint.address, port: port)] = id
            report.succeeded("listen on \(endpoint.address)", on: name)
        } catch {
            guard error.isHeldByAnother, endpoint.port != 0 else {
                return report.failed("listen on \(endpoint.address)", on: name, "\(error)")
            }
            switch bridge.entry {
            case .redirect:
                // Any that is free.
                await open(ServedBridge.Endpoint(address: endpoint.address, port: 0), on: name)
            case .address where settings.mode != .address:
                for socket in served[name]?.sockets.values ?? [:].values { listener.close(socket) }
                served[name]?.sockets = [:]
                served[name]?.entry = .redirect(reason: "port \(endpoint.port) is held by another process")
            case .address:
                report.failed("listen on \(endpoint.address)", on: name, "\(error)")
            }
        }
    }

    private func listen(
        _ endpoint: ServedBridge.Endpoint, at place: ListeningPlace.Bridge
    ) async throws(ListenError) -> GuestListener.ID {
        let address = endpoint.socketAddress(onLink: place.index)
        return try await listener.open(address, at: .bridge(place))
    }

    // MARK: The guard's other half

    /// A bridge learns from frames to 01:80:C2:00:00:0E and its like before any rule sees them, unless it is told not to.
    private func stopLearningFromLinkLocal(_ bridge: ServedBridge, _ network: HostNetwork) {
        guard bridge.place.namesPorts, !file.things.learning.contains(bridge.owned) else { return }
        let name = bridge.place.name
        guard network.link(named: name)?.learnsFromLinkLocal == true else { return }
        do throws(KernelError) {
            guard change({ $0.learning.insert(bridge.owned) }) else { return }
            self.network = nil
            try BridgeOptions.setLearnsFromLinkLocal(false, ofBridge: bridge.place.index)
            report.succeeded("stop learning from link-local frames", on: name)
        } catch {
            change { $0.learning.remove(bridge.owned) }
            report.failed("stop learning from link-local frames", on: name, error.naming("CAP_NET_ADMIN"))
        }
    }
}
