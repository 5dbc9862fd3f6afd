import Glibc
import Testing

/// A socket of the test's own, which ends with the test and waits at most five seconds for anything.
final class TCPSocket: Sendable {
    struct Failure: Error {
        let call: String
        let code: Int32
    }

    let descriptor: Int32

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
    static func listener() throws -> TCPSocket {
        let listener = try open()
        guard listen(listener.descriptor, 16) == 0 else { throw Failure(call: "listen", code: errno) }
        return listener
    }

    /// A connection to an address, written as IPv6; IPv4 as `::ffff:a.b.c.d`.
    /// - Parameter options: A header of destination options (RFC 8200, 4.6) that stands in each packet; none where it is empty.
    static func connection(to address: String, port: UInt16, options: [UInt8] = []) throws -> TCPSocket {
        let connection = try open()
        if !options.isEmpty {
            let status = unsafe setsockopt(
                connection.descriptor, Int32(IPPROTO_IPV6), IPV6_DSTOPTS, options, socklen_t(options.count))
            guard status == 0 else { throw Failure(call: "setsockopt(IPV6_DSTOPTS)", code: errno) }
        }
        var remote = sockaddr_in6()
        (remote.sin6_family, remote.sin6_port) = (sa_family_t(AF_INET6), port.bigEndian)
        guard unsafe inet_pton(AF_INET6, address, &remote.sin6_addr) == 1 else { throw Failure(call: "inet_pton", code: EINVAL) }
        let status = unsafe withUnsafePointer(to: &remote) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(connection.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
        guard status == 0 else { throw Failure(call: "connect", code: errno) }
        return connection
    }

    func accepted() throws -> TCPSocket {
        try TCPSocket(accept(descriptor, nil, nil), "accept")
    }

    /// The port this socket is bound to.
    func port() throws -> UInt16 {
        var local = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let status = unsafe withUnsafeMutablePointer(to: &local) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &size) }
        }
        guard status == 0 else { throw Failure(call: "getsockname", code: errno) }
        return UInt16(bigEndian: local.sin6_port)
    }

    private static func open() throws -> TCPSocket {
        try TCPSocket(socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0), "socket")
    }
}
