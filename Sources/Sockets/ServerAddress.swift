import CLinux
import Glibc

/// A resolved address to connect to.
package struct ServerAddress: Sendable {
    /// A host name that has no address.
    package struct Unresolved: Error, CustomStringConvertible {
        /// The message of getaddrinfo(3).
        package let description: String
    }

    /// A `sockaddr_in` or `sockaddr_in6`.
    let bytes: [UInt8]

    /// Resolves a host, in the order of preference that the host's configuration gives (getaddrinfo(3)).
    /// - Parameter host: a name, an IPv4 address, or an IPv6 address without brackets, with `%zone` if it is a link-local one.
    package static func resolve(_ host: String, port: UInt16) throws(Unresolved) -> [ServerAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        // Safe: getaddrinfo(3) reads both texts up to their zeros, and its list lives until it is freed below.
        let status = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard status == 0 else { throw Unresolved(description: unsafe String(cString: gai_strerror(status))) }
        defer { unsafe freeaddrinfo(list) }
        var (addresses, next): ([ServerAddress], UnsafeMutablePointer<addrinfo>?) = unsafe ([], list)
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ai_addr {
                let bytes = unsafe UnsafeRawBufferPointer(start: address, count: Int(entry.pointee.ai_addrlen))
                unsafe addresses.append(ServerAddress(bytes: Array(bytes)))
            }
            unsafe next = entry.pointee.ai_next
        }
        return addresses
    }

    var family: Int32 { Int32(bytes.first ?? 0) | Int32(bytes.dropFirst().first ?? 0) << 8 }
}
