package import Common
import Glibc

/// A TCP socket with an address, which does not listen yet: connections to it are refused, and the kernel gives its port to no socket that
/// asks for any free one. Another socket can listen there meanwhile (`SO_REUSEADDR`, socket(7)).
///
/// No program that is started later has it. It is closed with its last reference, unless it was given away.
package final class BoundSocket: Sendable {
    private let descriptor: Locked<Int32?>
    /// The port, which the kernel chose where 0 was asked for.
    package let port: Int

    /// - Parameters:
    ///   - address: a `sockaddr_in` or `sockaddr_in6`.
    ///   - isIPv6Alone: whether a socket of IPv6 leaves IPv4 to another one; of IPv4 it says nothing.
    /// - Throws: `KernelError`, with the code of bind(2) where the address is in use or not this host's.
    @unsafe package init(to address: UnsafeRawBufferPointer, isIPv6Alone: Bool) throws(KernelError) {
        let family = unsafe Int32(address.load(as: sockaddr.self).sa_family)
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .last(in: "socket") }
        do throws(KernelError) {
            try SocketOption.set(SO_REUSEADDR, of: SOL_SOCKET, to: 1, on: descriptor, "SO_REUSEADDR")
            if isIPv6Alone, family == AF_INET6 {
                try SocketOption.set(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), to: 1, on: descriptor, "IPV6_V6ONLY")
            }
            // Safe: bind(2) reads the address, whose length is given.
            let pointer = unsafe address.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            guard unsafe bind(descriptor, pointer, socklen_t(address.count)) == 0 else { throw .last(in: "bind") }
            port = try Self.port(of: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = Locked(descriptor)
    }

    deinit { if let descriptor = descriptor.withLock({ $0.take() }) { close(descriptor) } }

    /// Listens, and gives the socket away: its receiver closes it. Once.
    ///
    /// - Parameter backlog: how many connections may wait to be accepted.
    /// - Throws: `KernelError`, with the code of listen(2) where another socket listens there.
    package func listen(backlog: Int32) throws(KernelError) -> Int32 {
        guard let descriptor = descriptor.withLock({ $0.take() }) else { preconditionFailure("it was given away before") }
        guard Glibc.listen(descriptor, backlog) == 0 else {
            let error = KernelError.last(in: "listen")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func port(of descriptor: Int32) throws(KernelError) -> Int {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        // Safe: getsockname(2) writes at most `length` bytes. The port is at the same place in both families' addresses.
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        guard result == 0 else { throw .last(in: "getsockname") }
        return Int(UInt16(bigEndian: address.sin6_port))
    }
}
