import NIOCore
import NIOHTTP1

/// How a new connection is received: what stands between its bytes and its replies.
struct Reception: Sendable {
    private let responder: GuestResponder
    private let place: ListeningPlace
    private let patience: GuestConnection.Patience
    private let bodyLimit: Int
    private let parsing: NIOHTTPDecoderLimitConfiguration

    init(responder: GuestResponder, place: ListeningPlace, limits: Configuration.Limits) {
        (self.responder, self.place, bodyLimit) = (responder, place, limits.requestBodyBytes)
        patience = GuestConnection.Patience(
            request: ConnectionTable.ticks(limits.requestTimeout), idle: ConnectionTable.ticks(limits.idleTimeout),
            hold: ConnectionTable.ticks(limits.holdTimeout))
        var parsing = NIOHTTPDecoderLimitConfiguration()
        parsing.maxHeaderFieldSize = limits.requestHeadBytes
        parsing.maxHeaderListSize = limits.requestHeadBytes
        self.parsing = parsing
    }

    /// - Parameter loop: what the channel's event loop has of its own.
    func addHandlers(to channel: any Channel, of loop: LoopTables.Loop) throws {
        // Set here and not by the bootstrap, which takes several thousand instructions more for it.
        try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        let connection = GuestConnection(
            responder: responder, place: place, table: loop.connections, patience: patience, bodyLimit: bodyLimit,
            dates: loop.dates)
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: parsing)
        // One by one, for an array of them is one more allocation.
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ByteToMessageHandler(GuestRequestDecoder(decoder, for: connection)))
        try pipeline.addHandler(connection)
    }
}
