import CLinux
package import Common
import Glibc

/// A TCP socket that listens, and is closed with its last reference.
package final class ServerSocket: Sendable {
    /// What its connections share. They inherit it from the socket (tcp(7), socket(7)), so that nothing has to be set on each.
    package struct Options: Sendable {
        /// How many connections may wait to be accepted; the kernel's own limit holds too.
        package var backlog: Int32
        /// The kernel's buffers for received bytes and for unconfirmed sent bytes; the kernel doubles both.
        package var receiveBuffer: Int32, sendBuffer: Int32
        /// How long sent bytes may stay unconfirmed before the kernel ends the connection, in milliseconds.
        package var silence: Int32
        /// Whether an IPv6 socket accepts IPv4 connections too; `nil` where the host decides.
        package var acceptsIPv4: Bool?

        package init(
            backlog: Int32, receiveBuffer: Int32, sendBuffer: Int32, silence: Int32, acceptsIPv4: Bool?
        ) {
            (self.backlog, self.receiveBuffer, self.sendBuffer) = (backlog, receiveBuffer, sendBuffer)
            (self.silence, self.acceptsIPv4) = (silence, acceptsIPv4)
        }
    }

    package let descriptor: Int32

    /// Listens on an address.
    ///
    /// - Parameters:
    ///   - address: a `sockaddr_in` or `sockaddr_in6`.
    ///   - prepare: called with the descriptor before it is bound.
    /// - Throws: `KernelError`.
    @unsafe package init(
        on address: UnsafeRawBufferPointer, _ options: Options, prepare: (Int32) throws(KernelError) -> Void
    ) throws(KernelError) {
        let family = unsafe Int32(address.load(as: sockaddr.self).sa_family)
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .last(in: "socket") }
        try SocketOption.set(SO_REUSEADDR, of: SOL_SOCKET, to: 1, on: descriptor, "SO_REUSEADDR")
        try SocketOption.set(SO_RCVBUF, of: SOL_SOCKET, to: options.receiveBuffer, on: descriptor, "SO_RCVBUF")
        try SocketOption.set(SO_SNDBUF, of: SOL_SOCKET, to: options.sendBuffer, on: descriptor, "SO_SNDBUF")
        try SocketOption.set(TCP_USER_TIMEOUT, of: Int32(IPPROTO_TCP), to: options.silence, on: descriptor, "TCP_USER_TIMEOUT")
        try SocketOption.set(TCP_NODELAY, of: Int32(IPPROTO_TCP), to: 1, on: descriptor, "TCP_NODELAY")
        if let acceptsIPv4 = options.acceptsIPv4, family == AF_INET6 {
            try SocketOption.set(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), to: acceptsIPv4 ? 0 : 1, on: descriptor, "IPV6_V6ONLY")
        }
        try prepare(descriptor)
        // Safe: bind(2) reads the address, whose length is given.
        let pointer = unsafe address.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        guard unsafe bind(descriptor, pointer, socklen_t(address.count)) == 0 else { throw .last(in: "bind") }
        guard listen(descriptor, options.backlog) == 0 else { throw .last(in: "listen") }
    }

    deinit { close(descriptor) }

    /// The port that it listens on, which the kernel chose if none was asked for.
    package var port: Int? {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        // Safe: getsockname(2) writes at most `length` bytes. The port is at the same place in both families' addresses.
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? Int(UInt16(bigEndian: address.sin6_port)) : nil
    }

    /// Accepts a connection.
    ///
    /// - Returns: `nil` where none waits, or the one that waited has ended.
    /// - Throws: `KernelError`, such as `.tooManyFiles`.
    package func accept() throws(KernelError) -> StreamSocket? {
        let accepted = clinux_accept(descriptor)
        if accepted >= 0 { return StreamSocket(accepted) }
        switch errno {
        // Errors of the connection that waited are reported here too (accept(2)).
        case EAGAIN, EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
            EPERM:
            return nil
        default: throw .last(in: "accept")
        }
    }
}
