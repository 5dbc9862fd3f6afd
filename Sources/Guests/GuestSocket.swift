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
    let scope: ListenScope
    let client: Client
    let slot: ConnectionLimits.Slot
    var connection: GuestConnection
    private var parser: RequestParser
    /// Received bytes that are no whole line yet, or that wait for the client's share of the next turn.
    private var unparsed: [UInt8] = []
    /// Whether the last read had nothing but line ends.
    private var isReadBlank = false
    /// Whether requests that were read wait for the client's share of the next turn; until then nothing is read.
    private var awaitsTurn = false
    /// Reply bytes that the kernel has not accepted.
    var unsent = ByteBuffer()
    var work = WorkMeter()
    /// What the loop waits for; `nil` before it waits.
    var interest: Poller.Interest?
    /// Whether the guest sends no more.
    private var isInputEnded = false
    var isOutputEnded = false
    /// Whether it only waits until the guest has confirmed everything.
    var isConfirming = false
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
    ///
    /// - Parameter dropsRest: whether bytes that the guest has not confirmed are dropped: otherwise the kernel keeps them for as long as the guest
    ///   likes, and they count for nobody.
    func close(dropsRest: Bool = true) {
        guard isOpen else { return }
        isOpen = false
        if dropsRest { dropUnconfirmed() }
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
        guard !isConfirming else { return }
        if event.isWritable { sendMore() }
        if event.isReadable {
            readMore()
        } else if event.isEnded {
            close()
        }
    }

    /// Reads what has arrived, once: what is left is another event.
    func readMore() {
        guard isOpen, !isInputEnded, !awaitsTurn else { return }
        do throws(StreamSocket.Shortfall) {
            let count = try socket.receive(into: &loop.input)
            if count == 0 { endInput() } else { receive(count) }
        } catch {
            if error == .failed { close() }
        }
    }

    private func endInput() {
        isInputEnded = true
        if isOutputEnded { return closeWhenConfirmed() }
        if parser.isInRequest || !unparsed.isEmpty { perform(connection.arrived(.trouble(.badRequest))) }
        perform(connection.arrived(.inputClosed))
    }

    /// - Parameter count: the number of bytes in the loop's input.
    private func receive(_ count: Int) {
        let isMore = connection.isUnanswered
        isReadBlank = true
        connection.bytesArrived()
        defer { if isMore || isReadBlank { chargeReading() } }
        guard connection.acceptsRequests else { return }
        if unparsed.isEmpty {
            let bytes = loop.input
            let parsed = parse(bytes.span.extracting(..<count))
            if parsed < count, isOpen { unparsed = Array(bytes[parsed..<count]) }
        } else {
            unparsed += loop.input[..<count]
            parseKept()
        }
        endRead()
    }

    /// Parses the bytes of earlier reads.
    private func parseKept() {
        // Taken out while they are parsed, for the connection may end meanwhile.
        let bytes = unparsed
        unparsed = []
        let parsed = parse(bytes.span)
        if parsed < bytes.count, isOpen { unparsed = Array(bytes[parsed...]) }
    }

    private func endRead() {
        flush()
        beginPartOfRequest()
        if connection.granted > 0 || connection.kept > 0 { settle() }
    }

    /// The next turn has come, for requests that waited for it.
    func resume() {
        awaitsTurn = false
        takeWaiting()
        guard isOpen, !awaitsTurn, connection.acceptsRequests else { return }
        if unparsed.isEmpty {
            beginPartOfRequest()
        } else {
            parseKept()
            endRead()
        }
        // What waited may have been line ends alone, behind which nothing ends the connection.
        if connection.isQuiescing, !awaitsTurn { quiesce() }
    }

    /// Whether the client has had its share of the turn; then the rest of its requests wait for the next one.
    private func yieldsTurn() -> Bool {
        guard !awaitsTurn else { return true }
        guard loop.shares.isSpent(by: slot.rateLimit) else { return false }
        awaitsTurn = true
        loop.resumeNextTurn(self)
        return true
    }

    private func parse(_ bytes: Span<UInt8>) -> Int {
        guard bytes.count > Self.freeBytes || parser.isInRequest else { return parseUncharged(bytes) }
        let start = work.start()
        let parsed = parseUncharged(bytes)
        loop.shares.add(work.charge(slot.rateLimit, since: start, by: &loop.processor), of: slot.rateLimit)
        return parsed
    }

    private func parseUncharged(_ bytes: Span<UInt8>) -> Int {
        var offset = 0
        while connection.acceptsRequests {
            if !parser.isInRequest, offset > 0, offset < bytes.count, yieldsTurn() { break }
            guard let event = parser.next(in: bytes, from: &offset, keptBody: loop.rules.keptBody) else { break }
            isReadBlank = false
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
        if isConfirming { return watchConfirmation() }
        if connection.hasUnread || connection.granted > 0 { watchReader() }
        guard isOpen else { return }
        perform(connection.expire())
    }

    func quiesce() {
        if isConfirming, loop.isQuiescing { return close(dropsRest: false) }
        perform(connection.quiesced(generation: scope.generation, hasMore: awaitsTurn))
    }

    /// Waits for what the connection needs next.
    func updateInterest() {
        guard isOpen, !isConfirming else { return }
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
            if isInputEnded { return closeWhenConfirmed() }
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
        takeWaiting()
        beginPartOfRequest()
    }

    private func takeWaiting() {
        while !(connection.hasWaiting && yieldsTurn()), let action = connection.next() { perform(action) }
        flush()
    }

    /// Starts the timeout of a request of which a part has arrived. What waits for its turn is not parsed yet and may be a whole request.
    private func beginPartOfRequest() {
        guard !awaitsTurn, parser.isInRequest || !unparsed.isEmpty else { return }
        isReadBlank = false
        connection.requestBegan(parsed: parser.headBytes, leaving: unparsed.count)
        if connection.kept > 0 { settle() }
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
