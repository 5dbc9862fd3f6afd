package import Common
import Glibc

/// Binds sockets to a link (`SO_BINDTODEVICE` of socket(7)).
package enum SocketDevice {
    /// `SO_BINDTOIFINDEX` of `<asm-generic/socket.h>`, Linux 5.1; glibc's headers do not name it for Swift.
    private static let bindToIndex: Int32 = 62

    /// Binds a socket to a link: it receives only packets that arrive by it, and does not conflict with sockets of other links.
    ///
    /// The link is identified by its index, so a link recreated under the same name is never used by mistake. Where no link has
    /// that index, or none any more, the socket receives nothing.
    /// - Throws: `KernelError`; `.invalidArgument` for a negative index, `.notPermitted` without `CAP_NET_RAW` where the socket is
    ///   bound to another already.
    package static func bind(_ descriptor: Int32, toInterface index: Int32) throws(KernelError) {
        try SocketOption.set(bindToIndex, of: SOL_SOCKET, to: index, on: descriptor, "SO_BINDTOIFINDEX")
    }
}
