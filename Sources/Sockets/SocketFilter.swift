import CLinux
package import Common
import Glibc

/// Limits a socket to packets with a mark (`SO_ATTACH_FILTER` of socket(7)).
package enum SocketFilter {
    /// Makes a listening TCP socket, and all connections that it accepts, receive only packets with this mark; the kernel drops all others.
    /// nftables rules set the mark (`meta mark`).
    /// - Throws: `KernelError` with the code of `setsockopt(2)`.
    package static func takeOnly(mark: UInt32, on descriptor: Int32) throws(KernelError) {
        guard clinux_take_only_mark(descriptor, mark) == 0 else { throw .last(in: "setsockopt(SO_ATTACH_FILTER)") }
    }
}
