import NIOCore

extension Channel {
    /// The file descriptor of the channel's socket, if it has one; to be used on the channel's event loop, and not kept.
    ///
    /// This is what `withUnsafeTransportIfAvailable(of:)` does, but for the cast: to ask at run time for a protocol of a certain
    /// transport costs a tenth of all instructions that a connection takes, and to ask for the protocol alone next to nothing.
    var socketDescriptor: CInt? {
        (_channelCore as? any NIOTransportAccessibleChannelCore).flatMap { Self.descriptor(of: $0) }
    }

    private static func descriptor(of core: some NIOTransportAccessibleChannelCore) -> CInt? {
        try? core.withUnsafeTransport { $0 as? CInt }
    }
}
