import NIOCore
import NIOHTTP1

/// How a new connection is received: what stands between its bytes and its replies.
struct Reception: Sendable {
    let responder: GuestResponder
    let place: ListeningPlace
    let limits: Configuration.Limits

    /// - Parameter loop: what the channel's event loop has of its own.
    func addHandlers(to channel: any Channel, of loop: LoopTables.Loop) throws {
        // Set here and not by the bootstrap, which takes several thousand instructions more for it.
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.requestHeadBytes
        parsing.maxHeaderListSize = limits.requestHeadBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: parsing)
        let connection = GuestConnection(
            responder: responder, place: place, table: loop.connections, patience: patience,
            bodyLimit: limits.requestBodyBytes, dates: loop.dates)
        try channel.pipeline.syncOperations.addHandlers([ByteArrival(connection), ByteToMessageHandler(decoder), connection])
    }

    private var patience: GuestConnection.Patience {
        GuestConnection.Patience(
            request: ConnectionTable.ticks(limits.requestTimeout), idle: ConnectionTable.ticks(limits.idleTimeout),
            hold: ConnectionTable.ticks(limits.holdTimeout))
    }
}
