import Common
import NIOCore
import NIOExtras
import NIOHTTP1
import Sockets

/// Performs the actions of a ``GuestConnection``: reads and closes the channel, has requests answered, and writes the replies to
/// one read as one buffer.
///
/// Members that are not private are for this type's own extensions, the decoder and the connection table.
final class GuestConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// How many reply bytes are collected before they are written.
    static let mostTogether = 16 << 10

    let responder: GuestResponder
    private let scope: ListenScope
    let table: ConnectionTable
    let dates: DateCache
    var connection: GuestConnection
    private var context: ChannelHandlerContext?
    var client: Client?
    var slot: ConnectionLimits.Slot?
    var work = WorkMeter()
    /// The replies to the current read, until all of it is answered.
    var outgoing = ByteBuffer()
    var isFlushing = false
    private var isReading = true
    /// Whether the hop limit of packets is lower than the kernel's default, since the last reply.
    var isHopLimited = false

    /// - Parameter scope: of the listener that accepted the connection.
    init(
        responder: GuestResponder, scope: ListenScope, table: ConnectionTable, timeouts: ConnectionTimeouts, bodyLimit: Int,
        dates: DateCache
    ) {
        (self.responder, self.scope, self.table, self.dates) = (responder, scope, table, dates)
        connection = GuestConnection(timeouts: timeouts, bodyLimit: bodyLimit, generation: scope.generation)
    }

    // MARK: The connection begins and ends

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        let socket = context.channel.socketDescriptor
        // NIO makes the peer's address anew each time, so it is evaluated only where the kernel kept no SYN.
        guard let client = responder.client(socket: socket, peer: context.remoteAddress?.ipAddress, of: scope) else {
            return context.close(promise: nil)
        }
        self.client = client
        let standsForMany = responder.standsForMany(client)
        connection.opened(at: table.now, standsForMany: standsForMany)
        guard let slot = table.insert(self, of: standsForMany ? nil : ConnectionLimits.Key(client)) else {
            return context.close(promise: nil)
        }
        self.slot = slot
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        let wasHeld = connection.closed()
        if let slot {
            if wasHeld { table.limits.endHolding(slot) }
            _ = table.limits.memory.change(from: connection.granted, to: 0, for: slot.rateLimit)
            table.remove(self, from: slot)
        }
        connection.grant(0)
        (slot, self.context) = (nil, nil)
        context.fireChannelInactive()
    }

    var isOpen: Bool { context != nil }

    // MARK: Events

    /// Called for every read before it is parsed.
    func bytesArrived() { connection.bytesArrived() }

    /// Whether received bytes are to be parsed.
    var acceptsRequests: Bool { connection.acceptsRequests }

    /// Called after every read with the number of parsed bytes, and of those left until the next read.
    func bytesParsed(_ count: Int, leaving rest: Int) { connection.bytesParsed(count, leaving: rest) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            perform(connection.headArrived(GuestRequest(head, keptBody: responder.keptBody)), context)
        case .body(let bytes): perform(connection.arrived(.body(bytes)), context)
        case .end: perform(connection.arrived(.end), context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        if connection.granted > 0 || connection.kept > 0 { settle(context) }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        perform(connection.writabilityChanged(to: context.channel.isWritable, whileWriting: isFlushing), context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: perform(connection.quiesced(generation: scope.generation), context)
        case ChannelEvent.inputClosed: perform(connection.arrived(.inputClosed), context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: perform(connection.arrived(.trouble(.headersTooLarge)), context)
        case is HTTPParserError: perform(connection.arrived(.trouble(.badRequest)), context)
        case ByteToMessageDecoderError.dataReceivedInErrorState: break
        default: context.close(promise: nil)
        }
    }

    /// Called with every tick of the table.
    func tick() {
        guard let context else { return }
        let action = connection.ticked(at: table.now, generation: scope.generation)
        perform(action, context)
        guard action != .abort else { return }
        if connection.hasUnread || connection.granted > 0 { watchReader(context) }
        guard isOpen else { return }
        perform(connection.expire(), context)
    }

    func perform(_ action: GuestConnection.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .nothing: break
        case .sendContinue:
            outgoing.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            flush(context)
        case .answer: answer(context)
        case .retry:
            work.resume()
            respond(context)
            handleWaiting(context)
        case .answerUnavailable:
            work.resume()
            sendOwn(.unavailable, context)
            handleWaiting(context)
        case .handleWaiting: handleWaiting(context)
        case .refuse(let refusal, let isToHead): refuse(refusal, toHead: isToHead, context)
        case .finish: finish(context)
        case .close: context.close(promise: nil)
        case .closeOutput: context.close(mode: .output, promise: nil)
        case .abort: abort(context)
        case .report(let limit): if let slot { table.limits.note(limit, by: slot) }
        case .drop(let limit):
            if let slot { table.limits.note(limit, by: slot) }
            context.close(promise: nil)
        }
    }

    private func handleWaiting(_ context: ChannelHandlerContext) {
        while let action = connection.next() { perform(action, context) }
        flush(context)
        updateReading(context)
    }

    func updateReading(_ context: ChannelHandlerContext) {
        guard connection.readsMore != isReading else { return }
        isReading.toggle()
        // An error here means that the channel is closed, and then there is nothing to read.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }

    // MARK: Replies

    private func answer(_ context: ChannelHandlerContext) {
        guard let slot else { return }
        work.begin()
        if let seconds = table.limits.takeRequest(slot, at: work.received) {
            connection.pause()
            return sendOwn(.tooManyRequests(after: seconds), context)
        }
        respond(context)
    }

    /// Has the request answered, for the first time or again while it is held.
    private func respond(_ context: ChannelHandlerContext) {
        guard let client, let slot, let request = connection.request else { return }
        var response = responder.respond(to: request, body: connection.body, from: .client(client))
        if let note = response.note { responder.events.note(note) }
        guard connection.belongs(to: response.run) else { return abort(context) }
        if case .hold(let doubt) = response.outcome {
            guard !connection.hold(ifGranted: { table.limits.beginHolding(slot) }) else { return updateReading(context) }
            response = responder.giveUp(doubt)
            if let note = response.note { responder.events.note(note) }
        }
        if connection.endHold() { table.limits.endHolding(slot) }
        switch response.outcome {
        case .reply(let reply): send(reply, to: request, context)
        case .deferred(let deferral): begin(deferral, context)
        case .hold: break
        }
    }

    private func begin(_ deferral: Deferral, _ context: ChannelHandlerContext) {
        let number = connection.beginEffect(limit: ConnectionTable.ticks(deferral.effect.limit))
        updateReading(context)
        let (handler, loop) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop)
        deferral.perform { reply in loop.execute { handler.value.effectEnded(number, with: reply) } }
    }

    private func effectEnded(_ number: Int, with reply: Reply) {
        guard connection.effectEnded(number), let context, let request = connection.request else { return }
        work.resume()
        send(reply, to: request, context)
        handleWaiting(context)
    }

    /// Closes at once, and drops unsent bytes: they are not for the guest that now owns the port.
    private func abort(_ context: ChannelHandlerContext) {
        // Where the option cannot be set, the rules no longer redirect this connection's port.
        if let socket = context.channel.socketDescriptor { try? ConnectionReset.atClose(of: socket) }
        context.close(promise: nil)
    }
}
