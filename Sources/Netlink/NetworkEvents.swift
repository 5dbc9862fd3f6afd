import CLinux
package import Common
import Glibc

/// A socket for the kernel's notifications of network changes: links, neighbours, forwarding databases, addresses, IPv4 routes
/// (rtnetlink(7)).
///
/// It uses the network namespace of the thread that created it. Wait until `descriptor` is readable, as by poll(2), then `read`.
/// A notification of a link or an address that is as the last one described it gives no hint (`AnnouncedNetwork`).
package final class NetworkEvents: Sendable {
    /// The size of the kernel's receive buffer: some 8,000 notifications.
    static let bytesKept: Int32 = 8 << 20
    /// The most datagrams per `read`, so that a flood of them cannot block the reader.
    static let mostDatagrams = 256

    /// A socket that closes itself, its buffer, and what it has announced.
    private struct Subscription: ~Copyable {
        let descriptor: Int32
        var announced: AnnouncedNetwork
        /// Whether notifications were lost, and the queue has not been empty since: what it still has is older than the lost ones, and until it is
        /// empty Linux queues no others.
        var hasLost = false
        var buffer = [UInt8](repeating: 0, count: NetlinkSocket.mostBytes)

        deinit { close(descriptor) }
    }

    /// Readable when there is something to `read`; owned by this object, and open as long as it lives.
    package let descriptor: Int32
    private let subscription: Locked<Subscription>

    /// Subscribes to some groups of notifications, or all; this needs no privilege.
    /// - Parameter destination: An IPv4 address; routes that cannot lead to it give no hints. `nil`: all routes do.
    /// - Throws: `KernelError` with the code of `socket(2)`, `bind(2)` or `setsockopt(2)`.
    package convenience init(
        of groups: Set<NetworkGroup> = Set(NetworkGroup.allCases), routesTo destination: IPAddress? = nil
    ) throws(KernelError) {
        try self.init(of: groups, routesTo: destination, bytesKept: Self.bytesKept)
    }

    /// Subscribes with another size of the receive buffer.
    package init(of groups: Set<NetworkGroup>, routesTo destination: IPAddress? = nil, bytesKept: Int32) throws(KernelError) {
        let kind = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_NETLINK, kind, NETLINK_ROUTE)
        guard descriptor >= 0 else { throw .last(in: "socket(AF_NETLINK)") }
        subscription = Locked(Subscription(descriptor: descriptor, announced: AnnouncedNetwork(routesTo: destination)))
        // Exceeding the system's limit (net.core.rmem_max) needs CAP_NET_ADMIN; without it the kernel caps the size.
        var bufferSize = bytesKept
        let size = socklen_t(MemoryLayout<Int32>.size)
        // Safe: setsockopt(2) reads four bytes of the variable and keeps no pointer.
        if unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bufferSize, size) != 0 {
            // Safe: as above.
            guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bufferSize, size) == 0 else {
                throw .last(in: "setsockopt(SO_RCVBUF)")
            }
        }
        let mask = groups.reduce(0) { $0 | $1.mask }
        guard clinux_bind_netlink(descriptor, mask) == 0 else { throw .last(in: "bind(AF_NETLINK)") }
    }

    /// The possible changes since the last call; it never waits. Empty where nothing known has changed.
    ///
    /// One call reads a limited number of notifications: `descriptor` stays readable while there are more.
    /// - Throws: `KernelError` with the code of `recvfrom(2)`, which is fatal. Lost notifications are the hint `.lost`.
    package func read() throws(KernelError) -> Set<NetworkHint> {
        try subscription.withLock { (subscription) throws(KernelError) in
            var hints: Set<NetworkHint> = []
            for _ in 0..<Self.mostDatagrams {
                guard try Self.readOne(of: &subscription, into: &hints) else { break }
            }
            return hints
        }
    }

    /// Reads one datagram.
    /// - Returns: Whether there was one.
    private static func readOne(
        of subscription: inout Subscription, into hints: inout Set<NetworkHint>
    ) throws(KernelError) -> Bool {
        var sender: UInt32 = 0
        let capacity = subscription.buffer.count
        // Safe: at most `capacity` bytes are written to the buffer, and one number to `sender`.
        let length = unsafe clinux_receive_netlink(subscription.descriptor, &subscription.buffer, capacity, &sender)
        guard length >= 0 else {
            let error = KernelError.last(in: "recvfrom(AF_NETLINK)")
            switch error.code {
            case .noAnswer:
                subscription.hasLost = false
                return false
            case .interrupted: return true
            case .answersLost:
                subscription.hasLost = true
                subscription.announced.forget()
                hints.insert(.lost)
                return true
            default: throw error
            }
        }
        // Any process can send datagrams; only the kernel's count.
        guard sender == 0 else { return true }
        guard length <= capacity, !subscription.hasLost else {
            subscription.announced.forget()
            hints.insert(.lost)
            return true
        }
        hints.formUnion(subscription.announced.hints(in: subscription.buffer.prefix(length)))
        return true
    }
}
