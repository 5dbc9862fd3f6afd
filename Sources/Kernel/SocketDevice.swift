import Glibc

/// The one link that a socket is of (`SO_BINDTODEVICE` of socket(7)).
public enum SocketDevice {
    /// `SO_BINDTOIFINDEX` of `<asm-generic/socket.h>`, Linux 5.1; glibc's headers do not name it for Swift.
    private static let bindToIndex: Int32 = 62

    /// Ties a socket to a link: it takes only packets that enter by it, and of other sockets it is not in the way.
    ///
    /// The link is named by its index, so a link that was made anew under the same name is never meant by mistake. Where no link
    /// has that index, or has it no more, nothing comes in.
    /// - Throws: `KernelError`; `.invalidArgument` for a negative index, `.notPermitted` without `CAP_NET_RAW` where the socket is
    ///   tied to another already.
    public static func bind(_ descriptor: Int32, toInterface index: Int32) throws(KernelError) {
        var index = index
        // Safe: setsockopt(2) reads four bytes and keeps no pointer.
        guard unsafe setsockopt(descriptor, SOL_SOCKET, bindToIndex, &index, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last(in: "setsockopt(SO_BINDTOIFINDEX)")
        }
    }
}
