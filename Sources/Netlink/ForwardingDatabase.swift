import CLinux
package import Common

/// The forwarding databases of bridges (`bridge-fdb(8)`), queried for one address at a time.
///
/// It uses the network namespace of the thread that created it, and may be used from any thread; one query takes a few µs,
/// regardless of the number of entries. A bridge learns from every frame, so its entries are only as reliable as its ports.
package final class ForwardingDatabase: Sendable {
    private let socket: Locked<NetlinkSocket>

    /// Opens a route socket (rtnetlink(7)), which needs no privilege.
    /// - Throws: `KernelError` with the code of `socket(2)` or `connect(2)`.
    package init() throws(KernelError) {
        socket = Locked(try NetlinkSocket(protocol: NETLINK_ROUTE))
    }

    /// The port of a bridge that a MAC address is behind, learned or set by an operator (`static`), by `RTM_GETNEIGH` of
    /// that entry alone; since Linux 5.0.
    ///
    /// A bridge that filters VLANs has its entries by VLAN; this finds only those without a VLAN, so none on such a bridge.
    /// - Returns: The index of the port's link; `nil` where the bridge does not know the address, or where its frames go to the
    ///   host: the bridge's own address, that of a port, or one that an operator made `permanent`.
    /// - Throws: `KernelError`; `.noSuchDevice` where no link has that index, `.notSupported` where it is not a bridge,
    ///   `.noAnswer` after a second, `.malformedAnswer`.
    package func port(of mac: MACAddress, onBridge index: Int32) throws(KernelError) -> Int32? {
        let answer: Netlink.Message?
        do {
            answer = try socket.withLock { (socket) throws(KernelError) in
                try socket.ask(Self.request(for: mac, onBridge: index))
            }
        } catch {
            switch error.code {
            case .noSuchEntry: return nil
            // Nothing else in the request can be invalid.
            case .invalidArgument: throw KernelError(.noSuchDevice, in: error.operation)
            default: throw error
            }
        }
        return try answer.flatMap { (answer) throws(KernelError) in try Self.port(in: answer, of: mac, onBridge: index) }
    }
}

/// The request and its answer on the wire: `struct ndmsg` of `<linux/neighbour.h>`, 12 bytes.
extension ForwardingDatabase {
    /// `RTM_GETNEIGH` of one entry: the family `AF_BRIDGE`, zeros, the address and the bridge.
    package static func request(for mac: MACAddress, onBridge index: Int32) -> Netlink.Request {
        let fixed = [UInt8(AF_BRIDGE)] + [UInt8](repeating: 0, count: Neighbours.fixedLength - 1)
        var request = Netlink.Request("RTM_GETNEIGH", type: Int(RTM_GETNEIGH), fixed: fixed)
        request.add(Int(NDA_LLADDR), mac.octets)
        request.add(Int(NDA_MASTER), Netlink.bytes(of: index))
        return request
    }

    /// Parses an `RTM_NEWNEIGH` of a bridge.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is about another address, bridge or VLAN.
    package static func port(
        in answer: Netlink.Message, of mac: MACAddress, onBridge index: Int32
    ) throws(KernelError) -> Int32? {
        let operation = "RTM_GETNEIGH"
        let attributes = try Netlink.attributes(of: answer, after: Neighbours.fixedLength, operation)
        let value = { (type: Int) in attributes.first { $0.type == type }?.value }
        guard answer.type == Int(RTM_NEWNEIGH), answer.content.first == UInt8(AF_BRIDGE),
            value(Int(NDA_LLADDR))?.elementsEqual(mac.octets) == true,
            value(Int(NDA_MASTER)).flatMap({ Netlink.number(in: $0, at: 0) }) == index, value(Int(NDA_VLAN)) == nil
        else { throw KernelError(.foreignAnswer, in: operation) }
        guard let port: Int32 = Netlink.number(in: answer.content, at: 4),
            let state: UInt16 = Netlink.number(in: answer.content, at: 8)
        else { throw KernelError(.malformedAnswer, in: operation) }
        let belongsToHost = state & UInt16(NUD_PERMANENT) != 0
        return port > 0 && port != index && !belongsToHost ? port : nil
    }
}
