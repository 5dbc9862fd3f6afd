import CLinux
public import Common

/// What bridges have learned of where each hardware address is (`bridge-fdb(8)`), asked for one address at a time.
///
/// It sees the network namespace of the thread that made it, and may be asked from any thread; one question takes a few µs,
/// however many entries there are. A bridge learns from every frame, so what it says is only as honest as its ports.
public final class ForwardingDatabase: Sendable {
    private let socket: Locked<NetlinkSocket>

    /// Opens a route socket (rtnetlink(7)), which needs no privilege.
    /// - Throws: `KernelError` with the code of `socket(2)` or `connect(2)`.
    public init() throws(KernelError) {
        socket = Locked(try NetlinkSocket(protocol: NETLINK_ROUTE))
    }

    /// The port of a bridge that a hardware address is behind, learned or set by an operator (`static`), by `RTM_GETNEIGH` of
    /// that entry alone; since Linux 5.0.
    ///
    /// A bridge that filters VLANs keeps its entries by VLAN; this sees only those without one, so there it knows nobody.
    /// - Returns: The index of the port's link; `nil` where the bridge does not know the address, or has it itself: its own, that
    ///   of a port, or one that an operator made `permanent`, whose frames go to the host.
    /// - Throws: `KernelError`; `.noSuchDevice` where no link has that index, `.notSupported` where it is no bridge, `.noAnswer`
    ///   after a second, `.malformedAnswer`.
    public func port(of mac: MACAddress, onBridge index: Int32) throws(KernelError) -> Int32? {
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

/// What the question looks like on the wire, and how its answer is read: `struct ndmsg` of `<linux/neighbour.h>`, 12 bytes.
extension ForwardingDatabase {
    /// `RTM_GETNEIGH` of one entry: the family `AF_BRIDGE`, zeros, the address and the bridge.
    static func request(for mac: MACAddress, onBridge index: Int32) -> Netlink.Request {
        let fixed = [UInt8(AF_BRIDGE)] + [UInt8](repeating: 0, count: Neighbours.fixedLength - 1)
        var request = Netlink.Request("RTM_GETNEIGH", type: Int(RTM_GETNEIGH), fixed: fixed)
        request.add(Int(NDA_LLADDR), mac.octets)
        request.add(Int(NDA_MASTER), Netlink.bytes(of: index))
        return request
    }

    /// Reads an `RTM_NEWNEIGH` of a bridge.
    /// - Throws: `.malformedAnswer`; `.foreignAnswer` where it is about another address, bridge or VLAN.
    static func port(
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
