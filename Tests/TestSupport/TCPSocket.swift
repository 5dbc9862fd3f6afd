import Glibc
import NIOCore

/// A socket of the test's own, which ends with the test and waits at most five seconds for anything.
package final class TCPSocket: Sendable {
    package struct Failure: Error {
        let call: String
        let code: Int32
    }

    package let descriptor: Int32

    private init(_ descriptor: Int32, _ call: String) throws {
        guard descriptor >= 0 else { throw Failure(call: call, code: errno) }
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    /// A listener on some port of every address, of both families.
    package static func listener() throws -> TCPSocket {
        let listener = try open()
        guard listen(listener.descriptor, 16) == 0 else { throw Failure(call: "listen", code: errno) }
        return listener
    }

    /// A connection to an address, written as IPv6; IPv4 as `::ffff:a.b.c.d`.
    /// - Parameter options: A header of destination options (RFC 8200, 4.6) that stands in each packet; none where it is empty.
    package static func connection(to address: String, port: UInt16, options: [UInt8] = []) throws -> TCPSocket {
        let connection = try open()
        if !options.isEmpty {
            let status = unsafe setsockopt(
                connection.descriptor, Int32(IPPROTO_IPV6), IPV6_DSTOPTS, options, socklen_t(options.count))
            guard status == 0 else { throw Failure(call: "setsockopt(IPV6_DSTOPTS)", code: errno) }
        }
        let remote = try SocketAddress(ipAddress: address, port: Int(port))
        let status = unsafe remote.withSockAddr { unsafe connect(connection.descriptor, $0, socklen_t($1)) }
        guard status == 0 else { throw Failure(call: "connect", code: errno) }
        return connection
    }

    package func accepted() throws -> TCPSocket {
        try TCPSocket(accept(descriptor, nil, nil), "accept")
    }

    /// The port this socket is bound to.
    package func port() throws -> UInt16 {
        let address = try ownAddress(of: descriptor)
        return unsafe address.withUnsafeBytes { unsafe UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }

    private static func open() throws -> TCPSocket {
        try TCPSocket(socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0), "socket")
    }
}

/// A socket's own address as the kernel writes it: two bytes each for family and port, then the address. Its members are not asked for: whether they are
/// Glibc's or a module's that NIO imports depends on which files are compiled together.
func ownAddress(of descriptor: Int32) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 28)
    var size = socklen_t(bytes.count)
    let status = unsafe bytes.withUnsafeMutableBytes { bytes in
        unsafe bytes.baseAddress.map { unsafe getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self), &size) } ?? -1
    }
    guard status == 0 else { throw TCPSocket.Failure(call: "getsockname", code: errno) }
    return bytes
}
