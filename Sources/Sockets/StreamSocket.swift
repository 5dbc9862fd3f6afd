import CLinux
package import Common
import Glibc

/// A connected socket that never blocks. Its owner closes it.
package struct StreamSocket: Sendable {
    /// What a call did that could not do all.
    package enum Shortfall: Error {
        /// It would have to wait.
        case wouldBlock
        /// The connection has failed.
        case failed
    }

    package let descriptor: Int32

    package init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Receives what is there.
    ///
    /// - Returns: the number of bytes; 0 where the peer sends no more.
    package func receive(into bytes: inout [UInt8]) throws(Shortfall) -> Int {
        // Safe: recv(2) writes at most as many bytes as there are.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw Self.shortfall }
        return count
    }

    /// Sends as much as the kernel takes.
    ///
    /// - Parameter endFollows: whether ``close()`` or ``endOutput()`` is the next call, so that the last bytes and the end can be one
    ///   packet (`MSG_MORE`).
    /// - Returns: the number of bytes.
    @unsafe package func send(_ bytes: UnsafeRawBufferPointer, endFollows: Bool) throws(Shortfall) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (endFollows ? Int32(MSG_MORE) : 0)
        // Safe: send(2) reads the bytes.
        let count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        guard count >= 0 else { throw Self.shortfall }
        return count
    }

    private static var shortfall: Shortfall {
        switch errno {
        case EAGAIN, EINTR: .wouldBlock
        default: .failed
        }
    }

    /// Sends no more; the peer reads the end after all bytes.
    package func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    package func close() { Glibc.close(descriptor) }

    /// The peer's address, without a zone; `nil` where it has none.
    package var peer: IPAddress? {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            // Safe: getpeername(2) writes at most `length` bytes.
            let result = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getpeername(descriptor, $0, &length)
            }
            guard result == 0 else { return nil }
            switch unsafe Int32(pointer.pointee.sin6_family) {
            case AF_INET:
                // Safe: both are addresses of sockets, and the larger one has the space of the smaller.
                return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    unsafe IPAddress(v4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
                }
            case AF_INET6:
                return unsafe withUnsafeBytes(of: pointer.pointee.sin6_addr) { unsafe IPAddress(octets: Array($0)) }
            default: return nil
            }
        }
    }
}
