import Common
import Glibc
import Guests
import NIOCore
import NIOHTTP1

/// One connection to an emulated instance: performs the actions of the server's own ``GuestConnection``, has requests answered, and
/// carries out the plan for each reply.
final class EmulatedConnection: ChannelInboundHandler, @unchecked Sendable {
    // Safe: every method is called on the loop of its channel; from the clock and from effects by `loop.execute`.

    typealias InboundIn = ByteBuffer

    /// How long a reply may take by its plan, in ticks: a plan ends by itself.
    private static let anyTime = Tick.count(in: .seconds(1_000_000))

    /// Whose guest the client is; known from its address, once the channel is active.
    private(set) var instance: EmulatedInstance
    private let port: EmulatorPort
    let desk: EmulatorDesk
    private(set) var channel: (any Channel)?
    private var connection: GuestConnection
    private var parser: RequestParser
    private var head = HeadRecorder()
    /// The fields of the requests that are not answered yet, in order.
    private var heads: [(request: GuestRequest, fields: [HeaderField])] = []
    /// Received bytes that are not parsed yet.
    private var unparsed: [UInt8] = []
    private var isInputEnded = false
    private var isOutputEnded = false
    /// The reply under way.
    private var run: PlanRun?
    /// Whether the hop limit of packets is not the kernel's own.
    private var isHopLimited = false

    init(_ port: EmulatorPort, _ desk: EmulatorDesk) {
        (self.port, self.desk, instance) = (port, desk, port.clients.instance(at: nil))
        connection = GuestConnection(rules: GuestConnection.Rules(desk.limits), generation: 0)
        parser = RequestParser(limits: RequestParser.Limits(desk.limits))
    }

    // MARK: Events of the channel

    func channelActive(context: ChannelHandlerContext) {
        channel = context.channel
        let address = context.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        instance = port.clients.instance(at: address)
        guard !port.refuses(instance, at: context.localAddress?.ipAddress.flatMap { IPAddress($0) }) else { return reset() }
        guard desk.add(self) else { return context.close(promise: nil) }
        connection.opened(at: desk.now, standsForMany: true)
    }

    func channelInactive(context: ChannelHandlerContext) {
        desk.remove(self)
        channel = nil
        if let run = run.take() { run.abandon() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !isInputEnded else { return }
        connection.bytesArrived()
        guard connection.acceptsRequests else { return }
        unparsed += buffer.readableBytesView
        parse()
        beginPartOfRequest()
        updateReading()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent, !isInputEnded else { return }
        isInputEnded = true
        // Its client is gone or waits for nothing: a reply that is never to come ends here.
        if isOutputEnded || run?.isSilent == true { return end() }
        if parser.isInRequest || !unparsed.isEmpty { perform(connection.arrived(.trouble(.badRequest))) }
        perform(connection.arrived(.inputClosed))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end() }

    /// Closes at once.
    func end() { channel?.close(promise: nil) }

    // MARK: Requests

    private func parse() {
        let bytes = unparsed
        unparsed = []
        var offset = 0
        while connection.acceptsRequests {
            let start = offset
            let event = parser.next(in: bytes.span, from: &offset, keptBody: instance.keptBody)
            head.took(bytes[start..<offset])
            switch event {
            case .head(let request):
                heads.append((request, head.finish()))
                perform(connection.headArrived(request))
            case .body(let part): perform(connection.arrived(.body(Array(bytes[part]))))
            case .end:
                head.startOver()
                perform(connection.arrived(.end))
            case .trouble(let refusal): perform(connection.arrived(.trouble(refusal)))
            case nil:
                if connection.acceptsRequests { unparsed = Array(bytes[offset...]) + unparsed }
                return
            }
        }
    }

    /// Called ten times a second.
    func tick() {
        perform(connection.ticked(at: desk.now, generation: 0))
        perform(connection.expire())
        updateReading()
    }

    private func updateReading() {
        channel?.setOption(.autoRead, value: connection.readsMore).whenFailure { _ in }
    }

    private func perform(_ action: GuestConnection.Action) {
        switch action {
        case .nothing, .report, .retry: break
        case .sendContinue: write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) {}
        case .answer: answer()
        case .answerUnavailable: run == nil ? decide(.unavailable, for: connection.request) : end()
        case .handleWaiting: handleWaiting()
        case .refuse(let refusal, let isToHead): refuse(Reply(refusal), isHead: isToHead)
        case .finish: if run == nil { perform(connection.lastBytesLeft()) }
        case .closeOutput: closeOutput()
        case .close, .abort, .drop: end()
        }
    }

    private func handleWaiting() {
        while let action = connection.next() { perform(action) }
        beginPartOfRequest()
        updateReading()
    }

    /// Starts the timeout of a request of which a part has arrived.
    private func beginPartOfRequest() {
        guard parser.isInRequest || !unparsed.isEmpty else { return }
        connection.requestBegan(parsed: parser.headBytes, leaving: unparsed.count)
    }

    private func closeOutput() {
        if isInputEnded { return end() }
        isOutputEnded = true
        channel?.close(mode: .output, promise: nil)
    }

    // MARK: Replies

    /// A request whose reply is decided.
    struct Asked {
        let request: GuestRequest
        let seen: EmulatedRequest
        let time: Double
    }

    private var asked: Asked?

    private func answer() {
        guard let request = connection.request else { return }
        let fields = heads.firstIndex { $0.request === request }.map { index in
            defer { heads.removeSubrange(...index) }
            return heads[index].fields
        }
        let seen = EmulatedRequest(
            number: desk.nextNumber(), moment: desk.clock.elapsed, instance: instance.recordedName,
            method: request.method.rawValue,
            target: request.target, path: request.path, headers: fields ?? [], token: instance.tokenState(of: request))
        asked = Asked(request: request, seen: seen, time: desk.clock.wallTime)
        desk.director.withLock { $0 }.received(seen, by: instance)
        switch instance.respond(to: request, body: connection.body).outcome {
        case .reply(let reply): decide(reply, for: request)
        case .hold: decide(.unavailable, for: request)
        case .deferred(let deferral): begin(deferral)
        }
    }

    private func begin(_ deferral: Deferral) {
        let number = connection.beginEffect(limit: Tick.count(in: deferral.limit))
        deferral.perform { [self] reply in
            desk.loop.execute { [self] in
                guard connection.effectEnded(number), let request = connection.request else { return }
                decide(reply, for: request)
                handleWaiting()
            }
        }
    }

    /// Makes the plan for a reply, has the director change it, and carries it out.
    private func decide(_ reply: Reply, for request: GuestRequest?) {
        guard let request, let asked else { return }
        var plan = instance.plan(reply, for: asked.seen, date: desk.date, persistence: connection.persistence)
        let rule = desk.director.withLock { $0 }.direct(&plan, for: asked.seen, by: instance)
        // Until the last byte the next request waits, as behind an effect.
        let number = connection.beginEffect(limit: Self.anyTime)
        let run = PlanRun(plan, for: asked, rule: rule, on: self)
        self.run = run
        limitHops(to: plan.hopLimit)
        run.start { [self] ending in
            self.run = nil
            guard channel != nil, connection.effectEnded(number), connection.request === request else { return }
            finish(run.plan, ending)
        }
    }

    private func finish(_ plan: WirePlan, _ ending: AccessRecord.Ending) {
        switch (plan.end, ending) {
        case (.reset, _): reset()
        case (_, .silence): end()
        case (.close, _), (_, .cut):
            _ = connection.replied()
            end()
        case (.asAgreed, _), (.silence, _):
            if connection.replied() == .closing { perform(connection.lastBytesLeft()) } else { handleWaiting() }
        }
    }

    /// Refuses bytes that are no complete request, as the server does; no rule changes that.
    private func refuse(_ reply: Reply, isHead: Bool) {
        let plan = WirePlan(reply, date: desk.date, persistence: .closing, isHead: isHead)
        let record = AccessRecord(
            request: nil, number: desk.nextNumber(), instance: instance.recordedName, time: desk.clock.wallTime,
            status: plan.status,
            bytes: plan.length, rule: nil, ending: .refused)
        write(plan.head + plan.body) { [self] in
            desk.record(record)
            perform(connection.lastBytesLeft())
        }
    }

    // MARK: The socket

    /// Writes bytes; `done` is called when the kernel has them, and not if the connection ends before.
    func write(_ bytes: [UInt8], done: @escaping @Sendable () -> Void) {
        guard let channel else { return }
        channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenSuccess(done)
    }

    private func reset() {
        guard let socket = channel as? any SocketOptionProvider else { return end() }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { [self] _ in end() }
    }

    /// Limits the hops of what is sent from now on. In order with what is sent: both are done at once.
    private func limitHops(to hops: Int?) {
        guard hops != nil || isHopLimited, let channel else { return }
        isHopLimited = hops != nil
        // A socket of IPv6 may carry IPv4.
        let isIPv6 = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }?.family == .v6
        let option: ChannelOptions.Types.SocketOption =
            isIPv6
            ? .init(level: .ipv6, name: .init(rawValue: IPV6_UNICAST_HOPS))
            : .init(level: .ip, name: .init(rawValue: IP_TTL))
        channel.setOption(option, value: hops ?? -1).whenFailure { _ in }
    }
}
