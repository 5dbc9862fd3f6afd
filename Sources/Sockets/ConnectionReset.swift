package import Common
import Glibc

/// Resets TCP connections (`SO_LINGER` of socket(7) with a time of zero).
package enum ConnectionReset {
    /// Makes close(2) of a socket discard unsent data and send a reset.
    /// - Throws: `KernelError` with the code of `setsockopt(2)`.
    package static func atClose(of descriptor: Int32) throws(KernelError) {
        var none = linger(l_onoff: 1, l_linger: 0)
        // Safe: setsockopt(2) reads one structure and keeps no pointer.
        guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, socklen_t(MemoryLayout<linger>.size)) == 0 else {
            throw .last(in: "setsockopt(SO_LINGER)")
        }
    }
}
