import Common
import NIOCore
import Sockets

/// One guest's connected socket: performs the actions of its ``GuestConnection``, has requests answered, and sends the replies to
/// one read together.
///
/// Every method is called by the loop, within ``GuestLoop/serve(_:_:)``. Members that are not private are for this type's own
/// extensions and the loop.
final class GuestSocket {
    /// How many bytes are parsed without charging the client: nearly every request is so short that measuring its parsing would
    /// take longer than the parsing.
    private static let freeBytes = 1 << 10

    let socket: StreamSocket
    /// The number by which the loop finds it.
    let token: UInt64
    let listener: GuestListener.ID
    let loop: GuestLoop
    private let scope: ListenScope
    let client: Client
    let slot: ConnectionLimits.Slot
    var connection: GuestConnection
    private var parser: RequestParser
    /// Received bytes that are no whole line yet.
    private var unparsed: [UInt8] = []
    /// Reply bytes that the kernel has not accepted.
    var unsent = ByteBuffer()
    var work = WorkMeter()
    /// What the loop waits for; `nil` before it waits.
    private var interest: Poller.Interest?
    /// Whether the guest sends no more.
    private var isInputEnded = false
    private var isOutputEnded = false
    /// Whether the connection ends when all bytes are sent.
    var isFinishing = false
    /// Whether the hop limit of packets is lower than the kernel's default, since the last reply.
    var isHopLimited = false
    private(set) var isOpen = true

    init(
        _ socket: StreamSocket, token: UInt64, of client: Client, slot: ConnectionLimits.Slot, from listener: GuestListener.ID,
        of scope: ListenScope, on loop: GuestLoop
    ) {
        (self.socket, self.token, self.client, self.slot) = (socket, token, client, slot)
        (self.listener, self.scope, self.loop) = (listener, scope, loop)
        connection = GuestConnection(rules: loop.rules.connections, generation: scope.generation)
        parser = RequestParser(limits: loop.rules.head)
        connection.opened(at: loop.now, standsForMany: slot.rateLimit == nil)
    }

    /// Ends the connection; further calls have no effect.
    func close() {
        guard isOpen else { return }
        isOpen = false
        if connection.closed() { loop.rules.limits.endHolding(slot) }
        _ = loop.rules.limits.memory.change(from: connection.granted, to: 0, for: slot.rateLimit)
        connection.grant(0)
        loop.output.clear()
        (unparsed, unsent) = ([], ByteBuffer())
        loop.remove(self)
        socket.close()
    }

    // MARK: Events

    func handle(_ event: Poller.Event) {
        if event.isWritable { sendMore() }
        if event.isReadable {
            readMore()
        } else if event.isEnded {
            close()
        }
    }

    /// Reads what has arrived, once: what is left is another event.
    func readMore() {
        guard isOpen, !isInputEnded else { return }
        do throws(StreamSocket.Shortfall) {
            let count = try socket.receive(into: &loop.input)
            if count == 0 { endInput() } else { receive(count) }
        } catch {
            if error == .failed { close() }
        }
    }

    private func endInput() {
        isInputEnded = true
        if isOutputEnded { return close() }
        if parser.isInRequest || !unparsed.isEmpty { perform(connection.arrived(.trouble(.badRequest))) }
        perform(connection.arrived(.inputClosed))
    }

    /// - Parameter count: the number of bytes in the loop's input.
    private func receive(_ count: Int) {
        connection.bytesArrived()
        guard connection.acceptsRequests else { return }
        if unparsed.isEmpty {
            let bytes = loop.input
            let parsed = parse(bytes.span.extracting(..<count))
            if parsed < count, isOpen { unparsed = Array(bytes[parsed..<count]) }
        } else {
            // Taken out while it is parsed, for the connection may end meanwhile.
            var bytes = unparsed
            unparsed = []
            bytes += loop.input[..<count]
            let parsed = parse(bytes.span)
            if parsed < bytes.count, isOpen { unparsed = Array(bytes[parsed...]) }
        }
        flush()
        if connection.granted > 0 || connection.kept > 0 { settle() }
    }

    private func parse(_ bytes: Span<UInt8>) -> Int {
        guard bytes.count > Self.freeBytes else { return parseUncharged(bytes) }
        let start = work.start()
        let parsed = parseUncharged(bytes)
        work.charge(slot.rateLimit, since: start)
        return parsed
    }

    private func parseUncharged(_ bytes: Span<UInt8>) -> Int {
        var offset = 0
        while connection.acceptsRequests, let event = parser.next(in: bytes, from: &offset, keptBody: loop.rules.keptBody) {
            switch event {
            case .head(let request): perform(connection.headArrived(request))
            case .body(let part): perform(connection.arrived(.body(bytes.extracting(part).array)))
            case .end: perform(connection.arrived(.end))
            case .trouble(let refusal): perform(connection.arrived(.trouble(refusal)))
            }
        }
        guard connection.acceptsRequests else { return bytes.count }
        connection.bytesParsed(offset, leaving: bytes.count - offset)
        return offset
    }

    /// Called with every tick of the loop.
    func tick() {
        let action = connection.ticked(at: loop.now, generation: scope.generation)
        perform(action)
        guard isOpen else { return }
        if connection.hasUnread || connection.granted > 0 { watchReader() }
        guard isOpen else { return }
        perform(connection.expire())
    }

    func quiesce() { perform(connection.quiesced(generation: scope.generation)) }

    /// Waits for what the connection needs next.
    func updateInterest() {
        guard isOpen else { return }
        var wanted: Poller.Interest = connection.readsMore && !isInputEnded ? .reading : []
        if unsent.readableBytes > 0 { wanted.insert(.writing) }
        guard wanted != interest else { return }
        do throws(KernelError) {
            if interest == nil {
                try loop.poller.add(socket.descriptor, wanted, token: token)
            } else {
                try loop.poller.change(socket.descriptor, to: wanted, token: token)
            }
            interest = wanted
        } catch {
            close()
        }
    }

    func perform(_ action: GuestConnection.Action) {
        switch action {
        case .nothing: break
        case .sendContinue:
            loop.output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            flush()
        case .answer: answer()
        case .retry:
            work.resume()
            respond()
            handleWaiting()
        case .answerUnavailable:
            work.resume()
            sendOwn(.unavailable)
            handleWaiting()
        case .handleWaiting: handleWaiting()
        case .refuse(let refusal, let isToHead): refuse(refusal, toHead: isToHead)
        case .finish: finish()
        case .close: close()
        case .closeOutput:
            if isInputEnded { return close() }
            isOutputEnded = true
            socket.endOutput()
        case .abort: abort()
        case .report(let limit): loop.rules.limits.note(limit, by: slot)
        case .drop(let limit):
            loop.rules.limits.note(limit, by: slot)
            close()
        }
    }

    func handleWaiting() {
        while let action = connection.next() { perform(action) }
        flush()
    }

    // MARK: Replies

    private func answer() {
        work.begin()
        if let seconds = loop.rules.limits.takeRequest(slot, at: work.received) {
            connection.pause()
            return sendOwn(.tooManyRequests(after: seconds))
        }
        respond()
    }

    /// Has the request answered, for the first time or again while it is held.
    private func respond() {
        guard isOpen, let request = connection.request else { return }
        let responder = loop.rules.responder
        var response = responder.respond(to: request, body: connection.body, from: .client(client))
        if let note = response.note { responder.events.note(note) }
        guard connection.belongs(to: response.run) else { return abort() }
        if case .hold(let doubt) = response.outcome {
            guard !connection.hold(ifGranted: { loop.rules.limits.beginHolding(slot) }) else { return }
            response = responder.giveUp(doubt)
            if let note = response.note { responder.events.note(note) }
        }
        if connection.endHold() { loop.rules.limits.endHolding(slot) }
        switch response.outcome {
        case .reply(let reply): send(reply, to: request)
        case .deferred(let deferral): begin(deferral)
        case .hold: break
        }
    }

    private func begin(_ deferral: Deferral) {
        let number = connection.beginEffect(limit: Tick.count(in: deferral.effect.limit))
        let (token, execute) = (token, loop.execute)
        deferral.perform { reply in
            execute { loop in loop.serve(token) { $0.effectEnded(number, with: reply) } }
        }
    }

    private func effectEnded(_ number: Int, with reply: Reply) {
        guard connection.effectEnded(number), let request = connection.request else { return }
        work.resume()
        send(reply, to: request)
        handleWaiting()
    }

    /// Closes at once, and drops unsent bytes: they are not for the guest that now owns the port.
    private func abort() {
        // Where the option cannot be set, the rules no longer redirect this connection's port.
        try? ConnectionReset.atClose(of: socket.descriptor)
        close()
    }
}

extension Span<UInt8> {
    fileprivate var array: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for index in indices { bytes.append(self[index]) }
        return bytes
    }
}
