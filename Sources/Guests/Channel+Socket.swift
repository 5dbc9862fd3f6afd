import NIOCore

extension Channel {
    /// The file descriptor of the channel's socket, if it has one; to be used on the channel's event loop only, and not kept.
    ///
    /// This is `withUnsafeTransportIfAvailable(of:)` without the cast: a run-time cast to the protocol of one transport type
    /// costs a tenth of all instructions that a connection takes; a cast to the plain protocol costs next to nothing.
    var socketDescriptor: CInt? {
        (_channelCore as? any NIOTransportAccessibleChannelCore).flatMap { Self.descriptor(of: $0) }
    }

    private static func descriptor(of core: some NIOTransportAccessibleChannelCore) -> CInt? {
        try? core.withUnsafeTransport { $0 as? CInt }
    }
}
