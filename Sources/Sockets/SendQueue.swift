internal import CLinux
package import Common

/// The send queue of a TCP socket.
package enum SendQueue {
    /// The number of bytes that the peer has not acknowledged, sent or not (`SIOCOUTQ` of tcp(7)).
    ///
    /// - Throws: `KernelError`.
    package static func unconfirmedBytes(of descriptor: Int32) throws(KernelError) -> Int {
        let bytes = clinux_unconfirmed_bytes(descriptor)
        guard bytes >= 0 else { throw .last(in: "ioctl(SIOCOUTQ)") }
        return Int(bytes)
    }
}
