import Common
import Kernel
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1

/// One guest's connection: takes its requests as NIO parsed them, one at a time, and writes each reply as one buffer.
///
/// What arrives while a request is held, or faster than the guest reads, waits in the order it came, and nothing more is read.
final class GuestConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    /// How long a guest may take, in ticks of the connection table.
    struct Patience: Sendable {
        var request: Int
        var idle: Int
        var hold: Int
        /// How long a guest may go on sending what nobody reads, once its last reply has left, so that it can read that reply.
        static let lingering = ConnectionTable.ticks(.seconds(2))
        /// How long a guest that has connected may still ask its first question when we are about to end: it is on its way.
        static let farewell = ConnectionTable.ticks(.seconds(1))
    }

    private enum Phase {
        /// No request has begun.
        case idle
        /// A request is on its way; how many bytes of a body have come.
        case receiving(HTTPRequestHead?, body: Int)
        /// A request waits for the inventory.
        case held(HTTPRequestHead)
        /// What a request needs is being done.
        case deferred(HTTPRequestHead)
        /// The last reply is written; what still comes is dropped.
        case closing
    }

    private enum Arrival {
        case part(HTTPServerRequestPart)
        /// Bytes that are no request, and what is said to them.
        case trouble(Reply)
        /// The guest sends no more, but may still read.
        case end
    }

    private let responder: GuestResponder
    private let place: ListeningPlace
    private let table: ConnectionTable
    private let patience: Patience
    private let bodyLimit: Int
    private let dates: DateCache
    private var context: ChannelHandlerContext?
    private var caller: Caller?
    private var seat: Census.Seat?
    private var phase = Phase.idle
    private var deadline = 0
    /// What is kept of the body of the request, and how much of it may be.
    private var body: [UInt8] = []
    private var bodyToKeep = 0
    /// When the request was whole that is being answered.
    private var asked = NIODeadline.uptimeNanoseconds(0)
    /// How many effects have begun or are no longer waited for, so that one which ends late is known.
    private var effects = 0
    private var waiting = CircularBuffer<Arrival>()
    private var isReading = true
    private var needsFlush = false
    private var quiescing = false
    /// Whether a request has begun on this connection.
    private var hasAsked = false
    /// How much of the replies was not yet the kernel's when we last looked.
    private var unread = 0
    /// Whether the guest may be sending still when its last reply has left.
    private var lingers = false
    /// Whether packets go less far than the kernel would let them, since the last reply.
    private var isNearby = false

    /// - Parameter place: where the listener stands that accepted it.
    init(
        responder: GuestResponder, place: ListeningPlace, table: ConnectionTable, patience: Patience, bodyLimit: Int,
        dates: DateCache
    ) {
        (self.responder, self.place, self.table, self.patience) = (responder, place, table, patience)
        (self.bodyLimit, self.dates) = (bodyLimit, dates)
    }

    // MARK: The connection begins and ends

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        let socket = context.channel.socketDescriptor
        // NIO makes the peer's address anew each time, so it is asked for only where the SYN was not kept.
        guard let caller = responder.identification.caller(socket: socket, peer: context.remoteAddress?.ipAddress, at: place)
        else {
            context.close(promise: nil)
            return
        }
        self.caller = caller
        deadline = table.now + patience.idle
        guard let seat = table.insert(self, of: responder.standsForMany(caller) ? nil : Census.Caller(caller)) else {
            context.close(promise: nil)
            return
        }
        self.seat = seat
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .held = phase { endHolding() }
        phase = .closing
        waiting.removeAll()
        if let seat { table.remove(self, from: seat) }
        seat = nil
        self.context = nil
        context.fireChannelInactive()
    }

    // MARK: Bytes and requests arrive

    /// Told of every read before it is parsed, for a request takes time from its first byte on.
    func bytesArrived() {
        switch phase {
        // A guest that is reading its reply is kept waiting by us: its request begins when it is taken.
        case .idle where context?.channel.isWritable == true:
            hasAsked = true
            phase = .receiving(nil, body: 0)
            deadline = table.now + patience.request
        case .closing: lingers = true
        case .idle, .receiving, .held, .deferred: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        arrive(.part(unwrapInboundIn(data)), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        takeWaiting(context)
        context.fireChannelWritabilityChanged()
    }

    private func arrive(_ arrival: Arrival, _ context: ChannelHandlerContext) {
        if case .closing = phase { return }
        if waiting.isEmpty, isReady(context) {
            take(arrival, context)
        } else {
            waiting.append(arrival)
        }
    }

    private func isReady(_ context: ChannelHandlerContext) -> Bool {
        switch phase {
        case .held, .deferred: false
        case .closing: true
        case .idle, .receiving: context.channel.isWritable
        }
    }

    private func takeWaiting(_ context: ChannelHandlerContext) {
        while isReady(context), let arrival = waiting.popFirst() {
            take(arrival, context)
        }
        flush(context)
        setReading(isReady(context), context)
    }

    private func setReading(_ reading: Bool, _ context: ChannelHandlerContext) {
        guard reading != isReading else { return }
        isReading = reading
        // An error here means that the channel is closed, and then there is nothing to read.
        try? context.channel.syncOptions?.setOption(.autoRead, value: reading)
    }

    private func take(_ arrival: Arrival, _ context: ChannelHandlerContext) {
        switch arrival {
        case .part(let part): take(part, context)
        case .trouble(let reply): refuse(reply, context)
        case .end: leave(context)
        }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, phase) {
        case (_, .closing), (_, .held), (_, .deferred): break
        case (.head(let head), _): begin(head, context)
        case (.body(let bytes), .receiving(let head, let body)):
            phase = .receiving(head, body: body + bytes.readableBytes)
            self.body += bytes.readableBytesView.prefix(bodyToKeep - self.body.count)
            if body + bytes.readableBytes > bodyLimit { refuse(.payloadTooLarge, context) }
        case (.end, .receiving(let head?, _)): answer(head, context)
        case (.body, .idle), (.end, _): break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if case .idle = phase { deadline = table.now + patience.request }
        phase = .receiving(head, body: 0)
        (body, bodyToKeep) = ([], responder.keptBody(of: head))
        let announced = head.headers[canonicalForm: "Content-Length"].first.flatMap { Int($0) } ?? 0
        if announced > bodyLimit { return refuse(.payloadTooLarge, context) }
        // RFC 9110 §10.1.1: a client may wait with its body until it is told to go on.
        guard announced > 0 || head.headers.contains(name: "Transfer-Encoding"), head.version.minor > 0,
            head.headers[canonicalForm: "Expect"].first?.lowercased() == "100-continue"
        else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
    }

    // MARK: Replies

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let caller, let seat else { return }
        asked = .now()
        if let seconds = table.census.takeRequest(seat, at: asked) {
            return send(.tooManyRequests(after: seconds), to: head, context)
        }
        switch responder.respond(to: head, body: body, over: caller) {
        case .reply(let reply): send(reply, to: head, context)
        case .deferred(let effect): begin(effect, for: head, context)
        case .hold where !quiescing && table.census.beginHolding(seat):
            phase = .held(head)
            deadline = table.now + patience.hold
            setReading(false, context)
        case .hold(let doubt): send(responder.giveUp(doubt), to: head, context)
        }
    }

    private func begin(_ effect: GuestResponder.Effect, for head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        phase = .deferred(head)
        deadline = table.now + ConnectionTable.ticks(effect.limit)
        setReading(false, context)
        effects += 1
        let (connection, loop, number) = (NIOLoopBound(self, eventLoop: context.eventLoop), context.eventLoop, effects)
        let domain = effect.domain
        let view = responder.view(of: head)
        responder.perform(effect) { answer in
            let reply = answer.about(domain, of: view)
            loop.execute { connection.value.end(effect: number, with: reply) }
        }
    }

    /// An effect has ended, or is no longer waited for. The guest may be gone by then, or have been answered.
    private func end(effect number: Int, with reply: Reply) {
        guard number == effects, case .deferred(let head) = phase, let context else { return }
        effects += 1
        phase = .receiving(head, body: 0)
        send(reply, to: head, context)
        takeWaiting(context)
    }

    private func send(_ reply: Reply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let reply = relayable(reply)
        let goesOn = head.isKeepAlive && !head.leavesHTTP && !quiescing
        let persistence: Persistence = !goesOn ? .closing : head.version.minor == 0 ? .keptAlive : .open
        var buffer = context.channel.allocator.buffer(capacity: 512)
        buffer.write(reply, date: dates.now, persistence: persistence, withBody: head.method != .HEAD)
        let now = NIODeadline.now()
        seat?.allowance?.takeBytes(buffer.readableBytes, at: now)
        responder.watch.answered(head, by: reply, asked: asked, at: now)
        if reply.hopLimit != nil || isNearby, !limitHops(to: reply.hopLimit, context) { return context.close(promise: nil) }
        if goesOn {
            phase = .idle
            deadline = table.now + patience.idle
            context.write(wrapOutboundOut(buffer), promise: nil)
            needsFlush = true
        } else {
            finish(buffer, context)
        }
    }

    private func relayable(_ reply: Reply) -> Reply {
        guard let caller, responder.isAgents(caller) else { return reply }
        return reply.towardsAgent
    }

    /// Limits how far the next reply goes. The limit holds until the guest has confirmed what it was set for: a guest that asks on
    /// without waiting would else have that sent, or sent again, without it.
    ///
    /// - Returns: whether it is limited; if it is not, it must not be sent.
    private func limitHops(to hops: Int?, _ context: ChannelHandlerContext) -> Bool {
        guard let socket = context.channel.socketDescriptor, let family = caller?.address.family else { return false }
        if hops == nil {
            flush(context)
            guard isAllWritten(context), (try? HopLimit.allHasArrived(from: socket)) == true else { return true }
        }
        guard (try? HopLimit.set(hops, on: socket, family: family)) != nil else { return false }
        isNearby = hops != nil
        return true
    }

    /// Refuses a request that is not whole; the guest may still be sending it.
    private func refuse(_ reply: Reply, _ context: ChannelHandlerContext) {
        let reply = relayable(reply)
        var isHead = false
        if case .receiving(let head?, _) = phase { isHead = head.method == .HEAD }
        responder.watch.metrics.refused(reply.status)
        lingers = true
        var buffer = context.channel.allocator.buffer(capacity: 512)
        buffer.write(reply, date: dates.now, persistence: .closing, withBody: !isHead)
        finish(buffer, context)
    }

    /// Closes, but not before what has been written has left.
    private func leave(_ context: ChannelHandlerContext) {
        finish(ByteBuffer(), context)
    }

    /// Writes the last bytes, then closes.
    private func finish(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        phase = .closing
        deadline = table.now + patience.idle
        waiting.removeAll()
        needsFlush = false
        setReading(true, context)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        // The kernel takes nearly every reply at once. Else nothing, written after it, says when it has left.
        if isAllWritten(context) { return end(context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in self.end(context) }
    }

    /// The last bytes have left. Closing while the guest still sends would reset the connection under a reply that it has not read
    /// yet; so then only our half is closed, and what comes is dropped for a while.
    private func end(_ context: ChannelHandlerContext) {
        guard lingers else { return context.close(promise: nil) }
        deadline = table.now + Patience.lingering
        context.close(mode: .output, promise: nil)
    }

    /// Whether the kernel has taken all that was flushed.
    private func isAllWritten(_ context: ChannelHandlerContext) -> Bool {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0
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
        if !context.channel.isWritable { watchReader(context) }
        guard table.now >= deadline, self.context != nil else { return }
        switch phase {
        case .receiving where context.channel.isWritable: refuse(.requestTimeout, context)
        case .deferred: end(effect: effects, with: .unavailable)
        case .idle, .receiving, .held, .closing: context.close(promise: nil)
        }
    }

    /// A guest that reads its reply is not idle, however slowly it reads.
    private func watchReader(_ context: ChannelHandlerContext) {
        guard let left = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes), left != unread else { return }
        unread = left
        deadline = table.now + patience.idle
    }

    private func retry(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let caller = caller.map({ responder.identification.lookingAgain(for: $0, at: place) }) else { return }
        self.caller = caller
        let outcome = responder.respond(to: head, body: body, over: caller)
        let reply: Reply
        switch outcome {
        case .reply(let found): reply = found
        case .hold where table.now < deadline && !quiescing: return
        case .hold(let doubt): reply = responder.giveUp(doubt)
        case .deferred(let effect):
            endHolding()
            return begin(effect, for: head, context)
        }
        endHolding()
        phase = .receiving(head, body: 0)
        send(reply, to: head, context)
        takeWaiting(context)
    }

    private func endHolding() {
        if let seat { table.census.endHolding(seat) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: quiesce(context)
        case ChannelEvent.inputClosed: arrive(.end, context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func quiesce(_ context: ChannelHandlerContext) {
        quiescing = true
        switch phase {
        case .idle where waiting.isEmpty && hasAsked: leave(context)
        case .idle where waiting.isEmpty: deadline = min(deadline, table.now + Patience.farewell)
        case .held(let head): retry(head, context)
        case .idle, .receiving, .deferred, .closing: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: arrive(.trouble(.headersTooLarge), context)
        case is HTTPParserError: arrive(.trouble(.badRequest), context)
        case ByteToMessageDecoderError.dataReceivedInErrorState: break
        default: context.close(promise: nil)
        }
    }
}

extension HTTPRequestHead {
    /// Whether NIO parses nothing after this request, because another protocol might follow: so its reply is the last.
    fileprivate var leavesHTTP: Bool {
        method == .CONNECT || headers.contains(name: "Upgrade")
    }
}

/// NIO's decoder of requests, which tells the connection of bytes before it parses them.
///
/// Not a handler of its own before the decoder's: each handler of a pipeline costs a connection several thousand instructions.
final class GuestRequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let decoder: HTTPRequestDecoder
    private let connection: GuestConnection

    init(_ decoder: HTTPRequestDecoder, for connection: GuestConnection) {
        (self.decoder, self.connection) = (decoder, connection)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        connection.bytesArrived()
        return try decoder.decode(context: context, buffer: &buffer)
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }
}
