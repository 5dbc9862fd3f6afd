import NIOCore
import NIOHTTP1

/// The handlers between the bytes of a new connection and its replies.
struct GuestPipeline: Sendable {
    private let responder: GuestResponder
    private let scope: ListenScope
    private let timeouts: ConnectionTimeouts
    private let bodyLimit: Int
    private let parsing: NIOHTTPDecoderLimitConfiguration

    /// How much is read at a time, in bytes: the whole request of any cloud agent, and little enough that nothing grows for a
    /// guest that sends faster than it is answered. Unread bytes stay in the kernel, which makes the guest wait.
    private static let readSize = 2 << 10
    /// How many reply bytes may wait for the kernel before no further request is read: each waiting reply costs several hundred
    /// bytes besides its own. Requests are read again when the kernel has accepted all.
    private static let waitingReplies = ChannelOptions.Types.WriteBufferWaterMark(low: 1, high: 2 << 10)
    /// How many fields a head may have; each costs some hundred bytes besides its own. Browsers send some twenty.
    private static let mostFields = 64

    init(responder: GuestResponder, scope: ListenScope, limits: GuestLimits) {
        (self.responder, self.scope, bodyLimit) = (responder, scope, limits.requestBodyBytes)
        timeouts = ConnectionTimeouts(
            request: ConnectionTable.ticks(limits.requestTimeout), idle: ConnectionTable.ticks(limits.idleTimeout),
            hold: ConnectionTable.ticks(limits.holdTimeout), reading: ConnectionTable.ticks(limits.readingPeriod))
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.requestHeadBytes
        parsing.maxHeaderListSize = limits.requestHeadBytes
        parsing.maxHeaderFieldCount = Self.mostFields
        self.parsing = parsing
    }

    /// - Parameter loop: the tables of the channel's event loop.
    func addHandlers(to channel: any Channel, of loop: LoopTables.Loop) throws {
        // Set here and not by the bootstrap, where it takes several thousand instructions more.
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try channel.syncOptions?.setOption(
            .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize))
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: Self.waitingReplies)
        let connection = GuestConnectionHandler(
            responder: responder, scope: scope, table: loop.connections, timeouts: timeouts, bodyLimit: bodyLimit,
            dates: loop.dates)
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: parsing)
        // One by one, because an array of them is one more allocation.
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ByteToMessageHandler(GuestRequestDecoder(decoder, for: connection)))
        try pipeline.addHandler(connection)
    }
}
