import Common
import Guests
import Netlink

/// Executes the plan of one bridge.
extension Interceptor {
    func carryOut(_ plan: BridgePlan) async {
        let name = plan.link.name
        guard let bridge = served[name], bridge.link == plan.link else { return }
        for note in plan.notes { report.log(note) }
        if plan.restoresLearning { startLearningFromLinkLocal(bridge.recorded) }
        remove(plan.removed, from: name)
        let failed = plan.addresses.filter { !install($0, bridge) }.map(\.address)
        served[name]?.answered = plan.answered.filter { !failed.contains($0.host) }
        for endpoint in plan.endpoints where !failed.contains(endpoint.address) { await open(endpoint, on: bridge.link) }
        if let ports = plan.ports { await carryOut(ports, on: bridge.link) }
    }

    /// Closes the sockets of a bridge that is no longer selected. Its rules stay until its connections have ended.
    func closeBridge(_ name: String) {
        guard closeSockets(of: name) != nil else { return }
        report.ends(name)
    }

    /// Removes everything from a bridge that is closed and no longer selected: first the addresses, then the record, by which its rules
    /// disappear. What cannot be removed is tried again.
    func openBridge(_ name: String) {
        remove(file.state.addresses.filter { $0.bridge.name == name }, from: name)
        for bridge in file.state.learning where bridge.name == name { startLearningFromLinkLocal(bridge) }
        let rest = file.state.addresses.map(\.bridge) + file.state.learning
        guard !rest.contains(where: { $0.name == name }), change({ $0.bridges.remove(name) }) else { return }
        closed[name] = nil
        report.released(name)
    }

    private func closeSockets(of name: String) -> ServedBridge? {
        guard let bridge = served.removeValue(forKey: name) else { return nil }
        for socket in (linkSockets.removeValue(forKey: name) ?? [:]).values { socket.close() }
        for port in bridge.listeners.values { close(port) }
        closed[name] = .now + Self.closingTime
        return bridge
    }

    /// Closes the sockets and deletes the state of a bridge that is gone, or was recreated under its name.
    func forget(_ name: String) {
        guard let bridge = closeSockets(of: name) else { return }
        change { state in
            state.addresses = state.addresses.filter { $0.bridge != bridge.recorded }
            state.learning.remove(bridge.recorded)
        }
        report.bridgeGone(name)
    }

    // MARK: Addresses

    /// Adds an address if the plan requires it, and records it before.
    /// - Returns: Whether the bridge has it now.
    private func install(_ planned: BridgePlan.Address, _ bridge: ServedBridge) -> Bool {
        let (name, address) = (bridge.link.name, planned.address)
        switch planned.step {
        case .keep:
            served[name]?.addresses.insert(address)
            return true
        case .restore:
            served[name]?.restored[address] = .now
            report.restoring(address, on: name)
        case .add: break
        }
        let recorded = InstalledState.Address(bridge: bridge.recorded, address: address)
        guard change({ $0.addresses.insert(recorded) }) else { return false }
        do throws(KernelError) {
            network = nil
            try host.add(linkAddress(recorded))
            served[name]?.addresses.insert(address)
            report.succeeded("add \(address)", on: name)
            return true
        } catch {
            report.failed("add \(address)", on: name, error.naming("CAP_NET_ADMIN"))
            change { $0.addresses.remove(recorded) }
            return false
        }
    }

    private func remove(_ addresses: Set<InstalledState.Address>, from name: String) {
        for recorded in addresses {
            do throws(KernelError) {
                network = nil
                try host.remove(linkAddress(recorded))
            } catch {
                guard error.code == .addressNotAvailable || error.code == .noSuchDevice else {
                    report.failed("remove \(recorded.address)", on: name, error.naming("CAP_NET_ADMIN"))
                    continue
                }
            }
            change { $0.addresses.remove(recorded) }
        }
    }

    private func linkAddress(_ recorded: InstalledState.Address) -> LinkAddress {
        LinkAddress(
            recorded.address, prefixLength: MetadataAddress.prefixLength(of: recorded.address), interface: recorded.bridge.index)
    }

    // MARK: Bridge options

    private func startLearningFromLinkLocal(_ bridge: InstalledState.Bridge) {
        do throws(KernelError) {
            try host.startLearningFromLinkLocal(onBridge: bridge.index)
        } catch {
            guard error.code == .noSuchDevice else {
                return report.failed("learn from link-local frames", on: bridge.name, error.naming("CAP_NET_ADMIN"))
            }
        }
        change { $0.learning.remove(bridge) }
        report.succeeded("learn from link-local frames", on: bridge.name)
    }
}
