import Common
import Guests
import NIOCore
import Netlink

/// A listening socket for a guest's port.
struct PortSocket {
    let socket: ListeningSocket
    let port: UInt16
    let scope: PortScope
}

/// Opens, reassigns and closes listening sockets.
extension Interceptor {
    func carryOut(_ plan: PortsPlan, on bridge: ListenScope.Bridge) async {
        let name = bridge.name
        for note in plan.notes { report.log(note) }
        if settings.guardsPorts { for link in plan.unguardable { takeDown(link, on: name) } }
        for key in plan.ended.union(plan.unwanted) {
            if let port = served[name]?.listeners.removeValue(forKey: key) { close(port) }
        }
        served[name]?.tenancies = plan.tenancies
        for key in plan.inherited {
            let port = served[name]?.listeners.removeValue(forKey: key.forAnyMAC)
            served[name]?.listeners[key] = port
        }
        // Without rules no packet reaches a socket.
        guard !plan.opened.isEmpty, applied != nil else { return }
        let taken: Set<UInt16>
        do {
            taken = try host.portsInUse()
        } catch {
            return report.failed("check which ports are free", on: name, "\(error)")
        }
        report.succeeded("check which ports are free", on: name)
        var rates = connectionRates(onBridge: name)
        for opening in plan.opened {
            let index = opening.key.index
            if rates[index] == nil, settings.guardsPorts {
                rates[index] = ConnectionRate(connectionsPerSecond: settings.connectionsPerSecond)
            }
            await open(opening, limitedTo: rates[index], on: bridge, but: taken)
        }
    }

    private func takeDown(_ link: Link, on bridge: String) {
        do throws(KernelError) {
            try host.takeDown(link.index)
            report.tookDown(link.name, on: bridge)
        } catch {
            // It may have disappeared.
            guard error.code != .noSuchDevice else { return }
            report.failed("set port \(link.name) down", on: bridge, error.naming("CAP_NET_ADMIN"))
        }
    }

    /// The limit of each port that has sockets, by the index of its link: a guest that sends with another MAC address has no more.
    private func connectionRates(onBridge name: String) -> [Int32: ConnectionRate] {
        let found = served[name]?.listeners.compactMap { key, port in
            portSockets[port]?.scope.connectionRate.map { (key.index, $0) }
        }
        return Dictionary(found ?? []) { first, _ in first }
    }

    /// Closes the listening socket on a TCP port, and its connections.
    func close(_ port: UInt16) {
        if let socket = portSockets.removeValue(forKey: port) { close(socket) }
    }

    private func close(_ socket: PortSocket) {
        socket.scope.endConnections()
        socket.socket.close()
    }

    private func open(
        _ opening: PortsPlan.Opening, limitedTo rate: ConnectionRate?, on bridge: ListenScope.Bridge, but taken: Set<UInt16>
    ) async {
        let name = bridge.name
        do throws(ListenError) {
            let socket = try await listen(opening, limitedTo: rate, at: bridge, but: taken)
            // Meanwhile the bridge may have disappeared, or another call may have opened the socket.
            guard served[name]?.link == bridge, served[name]?.listeners[opening.key] == nil else { return close(socket) }
            portSockets[socket.port] = socket
            served[name]?.listeners[opening.key] = socket.port
            report.succeeded("listen for \(opening.port)", on: name)
        } catch {
            report.failed("listen for \(opening.port)", on: name, "\(error)")
        }
    }

    /// Listens on the next free TCP port.
    ///
    /// A port that the rules still lead to is not free either: they send another guest's packets to it until they are written again.
    ///
    /// - Parameter taken: the ports that the kernel has sockets on. Sockets of an earlier server may still send data that their guests have not
    ///   read, and a guest that is assigned such a port would receive it.
    private func listen(
        _ opening: PortsPlan.Opening, limitedTo rate: ConnectionRate?, at bridge: ListenScope.Bridge, but taken: Set<UInt16>
    ) async throws(ListenError) -> PortSocket {
        let used = taken.union(portSockets.keys).union(applied?.inputs.listenerPorts ?? [])
        var last: ListenError?
        for _ in settings.listenerPorts {
            let number = nextPort
            nextPort = number < settings.listenerPorts.upperBound ? number + 1 : settings.listenerPorts.lowerBound
            guard !used.contains(number) else { continue }
            do throws(ListenError) {
                let mark = PacketMarks.ofThisProcess.mark(ofSocketOn: number)
                let scope = PortScope(
                    bridge: bridge, port: opening.port, since: opening.since, openings: opening.openings, mac: opening.key.mac,
                    mark: mark, connectionRate: rate)
                let socket = try await host.listen(on: wildcard(number), of: .port(scope))
                return PortSocket(socket: socket, port: number, scope: scope)
            } catch {
                guard error.isHeldByAnother else { throw error }
                last = error
            }
        }
        if let last { throw last }
        throw ListenError(address: wildcard(settings.listenerPorts.lowerBound), scope: .bridge(bridge), cause: PortsInUse())
    }

    /// All addresses of both families: the rules only accept packets to a metadata address.
    private func wildcard(_ port: UInt16) -> SocketAddress {
        let any = IPAddress(octets: [UInt8](repeating: 0, count: host.hasIPv6 ? 16 : 4)) ?? IPAddress(v4: 0)
        return ServedBridge.Endpoint(address: any, port: port).socketAddress(onLink: 0)
    }

    // MARK: A link whose ports are not distinguished

    /// Listens on an address of the link.
    func open(_ endpoint: ServedBridge.Endpoint, on bridge: ListenScope.Bridge) async {
        let name = bridge.name
        do throws(ListenError) {
            let socket = try await host.listen(on: endpoint.socketAddress(onLink: bridge.index), of: .bridge(bridge))
            // Meanwhile the bridge may have disappeared.
            guard served[name]?.link == bridge, linkSockets[name]?[endpoint] == nil else { return socket.close() }
            linkSockets[name, default: [:]][endpoint] = socket
            served[name]?.endpoints.insert(endpoint)
            report.succeeded("listen on \(endpoint.address)", on: name)
        } catch {
            report.failed("listen on \(endpoint.address)", on: name, "\(error)")
        }
    }
}

/// Every port of `--listener-ports` has a socket already.
private struct PortsInUse: Error, CustomStringConvertible {
    var description: String { "all TCP ports of --listener-ports are in use; set a wider range" }
}
