import Common
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1

/// One guest's connection: takes its requests as NIO parsed them, one at a time, and writes each reply as one buffer.
///
/// Requests that arrive while one is held, or faster than the guest reads, wait in the order they came, and nothing more is read.
final class GuestConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// How long a guest may take, in ticks of the connection table.
    struct Patience: Sendable {
        var request: Int
        var idle: Int
        var hold: Int
        /// How long a connection that is refused may go on sending what nobody reads, so that it can read the refusal.
        static let lingering = ConnectionTable.ticks(.seconds(2))
    }

    private enum Phase {
        /// No request has begun.
        case idle
        /// A request is on its way; how many bytes of a body have come.
        case receiving(HTTPRequestHead?, body: Int)
        /// A request waits for the inventory.
        case held(HTTPRequestHead)
        /// The last reply is written; what still comes is dropped.
        case closing
    }

    private let responder: GuestResponder
    private let table: ConnectionTable
    private let patience: Patience
    private let bodyLimit: Int
    private let dates: DateCache
    private var context: ChannelHandlerContext?
    private var caller: Caller?
    private var counted: IPAddress?
    private var phase = Phase.idle
    private var deadline = 0
    private var waiting = CircularBuffer<HTTPServerRequestPart>()
    private var needsFlush = false
    private var quiescing = false

    init(responder: GuestResponder, table: ConnectionTable, patience: Patience, bodyLimit: Int, dates: DateCache) {
        (self.responder, self.table, self.patience) = (responder, table, patience)
        (self.bodyLimit, self.dates) = (bodyLimit, dates)
    }

    // MARK: The connection begins and ends

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        let socket = context.channel.socketDescriptor
        guard let caller = responder.identification.caller(socket: socket, peer: context.remoteAddress?.ipAddress) else {
            context.close(promise: nil)
            return
        }
        self.caller = caller
        counted = responder.identification.isTrusted(caller) ? nil : caller.address
        deadline = table.now + patience.idle
        guard table.insert(self, counted: counted) else {
            counted = nil
            context.close(promise: nil)
            return
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .held = phase { table.endHolding() }
        phase = .closing
        waiting.removeAll()
        table.remove(self, counted: counted)
        self.context = nil
        context.fireChannelInactive()
    }

    // MARK: Bytes and requests arrive

    /// Told of every read before it is parsed, for a request takes time from its first byte on.
    func bytesArrived() {
        guard case .idle = phase else { return }
        phase = .receiving(nil, body: 0)
        deadline = table.now + patience.request
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if waiting.isEmpty, isReady(context) {
            take(part, context: context)
        } else {
            waiting.append(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeWaiting(context)
        context.fireChannelWritabilityChanged()
    }

    private func isReady(_ context: ChannelHandlerContext) -> Bool {
        if case .held = phase { false } else { context.channel.isWritable }
    }

    private func takeWaiting(_ context: ChannelHandlerContext) {
        while isReady(context), let part = waiting.popFirst() {
            take(part, context: context)
        }
        flush(context)
        setReading(isReady(context), context)
    }

    private func setReading(_ reading: Bool, _ context: ChannelHandlerContext) {
        // An error here means that the channel is closed, and then there is nothing to read.
        try? context.channel.syncOptions?.setOption(.autoRead, value: reading)
    }

    private func take(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        switch (part, phase) {
        case (_, .closing), (_, .held): break
        case (.head(let head), _):
            phase = .receiving(head, body: 0)
            let announced = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
            if announced > bodyLimit { refuse(.payloadTooLarge, context) }
        case (.body(let bytes), .receiving(let head, let body)):
            phase = .receiving(head, body: body + bytes.readableBytes)
            if body + bytes.readableBytes > bodyLimit { refuse(.payloadTooLarge, context) }
        case (.end, .receiving(let head?, _)): answer(head, context)
        case (.body, .idle), (.end, _): break
        }
    }

    // MARK: Replies

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let caller else { return }
        switch responder.respond(to: head, over: caller) {
        case .reply(let reply): send(reply, to: head, context)
        case .hold where !quiescing && table.beginHolding():
            phase = .held(head)
            deadline = table.now + patience.hold
            setReading(false, context)
        case .hold: send(.notFound, to: head, context)
        }
    }

    private func send(_ reply: Reply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let goesOn = head.isKeepAlive && !quiescing
        let persistence: Persistence = !goesOn ? .closing : head.version.minor == 0 ? .keptAlive : .open
        var buffer = context.channel.allocator.buffer(capacity: 512)
        buffer.write(reply, date: dates.now, persistence: persistence, withBody: head.method != .HEAD)
        if goesOn {
            phase = .idle
            deadline = table.now + patience.idle
            context.write(wrapOutboundOut(buffer), promise: nil)
            needsFlush = true
        } else {
            finish(buffer, context)
        }
    }

    /// Writes the last bytes, then closes.
    private func finish(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        phase = .closing
        deadline = table.now + patience.idle
        waiting.removeAll()
        needsFlush = false
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in channel.close(promise: nil) }
    }

    /// Refuses a request that is not whole. The guest may still be sending, and closing at once would reset the connection under
    /// the refusal before the guest has read it: so only our half is closed, and the rest is dropped for a while.
    private func refuse(_ reply: Reply, _ context: ChannelHandlerContext) {
        phase = .closing
        deadline = table.now + Patience.lingering
        waiting.removeAll()
        needsFlush = false
        var buffer = context.channel.allocator.buffer(capacity: 512)
        buffer.write(reply, date: dates.now, persistence: .closing, withBody: true)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
        setReading(true, context)
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard needsFlush else { return }
        needsFlush = false
        context.flush()
    }

    // MARK: Time and trouble

    /// Called with every tick of the table.
    func tick() {
        guard let context else { return }
        if case .held(let head) = phase { retry(head, context) }
        guard table.now >= deadline, self.context != nil else { return }
        if case .receiving = phase {
            refuse(.requestTimeout, context)
        } else {
            context.close(promise: nil)
        }
    }

    private func retry(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let caller else { return }
        let outcome = responder.respond(to: head, over: caller)
        let reply: Reply
        switch outcome {
        case .reply(let found): reply = found
        case .hold where table.now < deadline && !quiescing: return
        case .hold: reply = .notFound
        }
        table.endHolding()
        phase = .receiving(head, body: 0)
        send(reply, to: head, context)
        takeWaiting(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else { return context.fireUserInboundEventTriggered(event) }
        quiescing = true
        switch phase {
        case .idle: context.close(promise: nil)
        case .held(let head): retry(head, context)
        case .receiving, .closing: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .closing = phase { return }
        if case .held = phase { return context.close(promise: nil) }
        switch error as? HTTPParserError {
        case .headerOverflow?: refuse(.headersTooLarge, context)
        case .some: refuse(.badRequest, context)
        case nil: context.close(promise: nil)
        }
    }
}

/// Tells the connection of bytes before they are parsed.
final class ByteArrival: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: GuestConnection

    init(_ connection: GuestConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesArrived()
        context.fireChannelRead(data)
    }
}
