import Common

/// One guest's connection as a value: the received bytes, the state of its request, and its deadlines. It is passed each event
/// and returns the action to take; nothing in it reads, writes or waits.
///
/// Requests are answered one at a time. Parts that arrive while a request is held, or faster than the guest reads, wait in order,
/// and nothing more is read. Waiting parts have a bound (``ArrivalQueue``), and so has the memory of all connections together
/// (``GuestMemory``).
///
/// Members that are not private are for this type's own extensions alone.
package struct GuestConnection {
    enum Phase {
        /// No request has begun since the last one, or since the connection was opened.
        case idle(isNew: Bool)
        /// A request is being received.
        case receiving(GuestRequest?)
        /// A request waits for the inventory.
        case held(GuestRequest)
        /// A request waits for its effect.
        case deferred(GuestRequest)
        /// The last reply is written; further bytes are dropped. The value says whether the guest may still be sending when that
        /// reply has left.
        case closing(isSending: Bool)
    }

    let rules: Rules
    /// The generation of its port when the connection was accepted.
    let generation: Int
    /// Whether the peer stands for many guests.
    private var standsForMany = false
    /// The domain run of the first reply, which all others must share. `nil` before the first reply.
    private var run: DomainRun?
    var phase = Phase.idle(isNew: true)
    var now = 0
    var deadline = 0
    /// The kept part of the request's body, and the number of body bytes received.
    package private(set) var body: [UInt8] = []
    private var bodyBytes = 0
    var waiting = ArrivalQueue()
    var memory = ConnectionMemory()
    /// How many effects have begun or are no longer waited for, so that an effect that ends late is recognised.
    var effects = 0
    /// Until when no request is read. A guest beyond its rates would otherwise get each 429 as fast as it can send requests, at
    /// the cost of the other guests.
    var pausedUntil: Int?
    /// Whether the kernel accepts more of the replies.
    var isWritable = true
    var isQuiescing = false

    /// - Parameter generation: of the listener's port; see ``ListenScope/generation``.
    package init(rules: Rules, generation: Int) {
        (self.rules, self.generation) = (rules, generation)
    }

    var timeouts: ConnectionTimeouts { rules.timeouts }

    package mutating func opened(at time: Int, standsForMany: Bool) {
        (now, deadline, self.standsForMany) = (time, time + timeouts.idle, standsForMany)
    }

    /// The connection has ended.
    ///
    /// - Returns: whether a request was held.
    mutating func closed() -> Bool {
        let wasHeld = endHold()
        close(isSending: false)
        return wasHeld
    }

    // MARK: State

    package var request: GuestRequest? {
        switch phase {
        case .receiving(let request): request
        case .held(let request), .deferred(let request): request
        case .idle, .closing: nil
        }
    }

    /// Whether requests are still accepted; bytes after the last reply are not even parsed.
    package var acceptsRequests: Bool {
        if case .closing = phase { false } else { true }
    }

    /// Whether to read more: bytes that would have to wait here stay in the kernel.
    package var readsMore: Bool {
        switch phase {
        case .held, .deferred: false
        case .closing: pausedUntil == nil
        case .idle, .receiving: pausedUntil == nil && isWritable
        }
    }

    /// Whether bytes that arrive now belong to a request that has begun, or follow the last one.
    var isUnanswered: Bool {
        switch phase {
        case .receiving, .closing: true
        case .idle, .held, .deferred: false
        }
    }

    // MARK: Bytes and requests arrive

    /// Called for every read before it is parsed.
    package mutating func bytesArrived() {
        if case .closing = phase { phase = .closing(isSending: true) }
    }

    /// Called after every read with the number of parsed bytes, and of those left until the next read.
    mutating func bytesParsed(_ count: Int, leaving rest: Int) {
        switch phase {
        case .receiving(nil): memory.parsedOfHead(count, leaving: rest)
        case .receiving, .held, .deferred: memory.parsedWholeHead(count)
        case .idle, .closing: break
        }
    }

    /// A request has arrived in part, alone or behind others; the rest may never follow. Its timeout begins as soon as no other request
    /// is before it and the server reads again.
    ///
    /// - Parameters:
    ///   - parsed: how many bytes of its head are parsed.
    ///   - rest: how many of its bytes are not.
    package mutating func requestBegan(parsed: Int, leaving rest: Int) {
        guard case .idle = phase, readsMore, waiting.isEmpty else { return }
        phase = .receiving(nil)
        deadline = now + timeouts.request
        memory.parsedOfHead(parsed, leaving: rest)
    }

    package mutating func headArrived(_ request: GuestRequest) -> Action {
        arrived(.head(request))
    }

    package mutating func arrived(_ arrival: Arrival) -> Action {
        guard acceptsRequests else { return .nothing }
        return isReady ? take(arrival) : wait(arrival)
    }

    /// Takes the next waiting part, if it can be handled now.
    package mutating func next() -> Action? {
        guard readsMore, let arrival = waiting.popFirst() else { return nil }
        return take(arrival)
    }

    private var isReady: Bool { waiting.isEmpty && readsMore }

    /// Whether a part of a request waits that can be handled now.
    var hasWaiting: Bool { !waiting.isEmpty && readsMore }

    private mutating func wait(_ arrival: Arrival) -> Action {
        waiting.append(arrival) ? .report(.waitingRequests) : .nothing
    }

    private mutating func take(_ arrival: Arrival) -> Action {
        switch arrival {
        case .trouble(let refusal): return refuse(refusal)
        case .inputClosed: return finish()
        case .head(let request): return begin(request)
        case .body(let bytes): return add(bytes)
        case .end:
            if case .receiving(_?) = phase { return .answer }
            return .nothing
        }
    }

    private mutating func begin(_ request: GuestRequest) -> Action {
        if case .idle = phase { deadline = now + timeouts.request }
        phase = .receiving(request)
        (body, bodyBytes) = ([], 0)
        if request.contentLength > rules.bodyLimit { return refuse(.payloadTooLarge) }
        return request.awaitsContinue ? .sendContinue : .nothing
    }

    private mutating func add(_ bytes: [UInt8]) -> Action {
        guard case .receiving(let request?) = phase else { return .nothing }
        bodyBytes += bytes.count
        body += bytes.prefix(request.keptBody - body.count)
        return bodyBytes > rules.bodyLimit ? refuse(.payloadTooLarge) : .nothing
    }

    // MARK: Replies

    /// The guest is beyond its rates: nothing is read for a while.
    mutating func pause() { pausedUntil = now + ConnectionTimeouts.pause }

    /// Whether a reply is about the same run of the same domain as all earlier ones on this connection; otherwise it must not be
    /// sent. The port, or the MAC address, may now belong to another domain, or its domain may have been restarted.
    mutating func belongs(to about: DomainRun?) -> Bool {
        guard !standsForMany, let about else { return true }
        if let run { return run == about }
        run = about
        return true
    }

    /// Holds the request, or continues to hold it.
    ///
    /// - Parameter isGranted: whether one more request may be held.
    /// - Returns: whether it is held; otherwise the request must be answered now.
    mutating func hold(ifGranted isGranted: () -> Bool) -> Bool {
        guard !isQuiescing else { return false }
        switch phase {
        case .held: return now < deadline
        case .receiving(let request?):
            guard isGranted() else { return false }
            phase = .held(request)
            deadline = now + timeouts.hold
            return true
        case .receiving(nil), .idle, .deferred, .closing: return false
        }
    }

    /// Ends the hold of the request.
    ///
    /// - Returns: whether it was held.
    mutating func endHold() -> Bool {
        guard case .held(let request) = phase else { return false }
        phase = .receiving(request)
        return true
    }

    /// Begins an effect for the request, for so many ticks at most.
    ///
    /// - Returns: the number of the effect, by which its end is reported.
    package mutating func beginEffect(limit: Int) -> Int {
        if case .receiving(let request?) = phase { phase = .deferred(request) }
        deadline = now + limit
        effects += 1
        return effects
    }

    /// An effect has ended.
    ///
    /// - Returns: whether the request waits for it; the guest may have disconnected, or have been answered, by then.
    package mutating func effectEnded(_ number: Int) -> Bool {
        guard number == effects, case .deferred(let request) = phase else { return false }
        effects += 1
        phase = .receiving(request)
        return true
    }

    /// How the connection will go on after the reply to the request that is complete.
    package var persistence: Persistence {
        guard !isQuiescing, case .receiving(let request?) = phase, request.keepsAlive else { return .closing }
        return request.isHTTP10 ? .keptAlive : .open
    }

    /// The request gets its reply.
    ///
    /// - Returns: how the connection goes on after it.
    package mutating func replied() -> Persistence {
        memory.dropHead()
        let persistence = persistence
        // A guest that asked for the close sends no more. A limit that closes has to pass
        // `isSending: true`, or a guest that has sent its next request already may lose this reply.
        guard persistence != .closing else {
            close(isSending: waiting.isOverrun)
            return .closing
        }
        phase = .idle(isNew: false)
        deadline = now + timeouts.idle
        return persistence
    }

    mutating func refuse(_ refusal: Refusal) -> Action {
        let isToHead = request?.isHead ?? false
        close(isSending: true)
        return .refuse(refusal, toHead: isToHead)
    }

    mutating func finish() -> Action {
        close(isSending: waiting.isOverrun)
        return .finish
    }

    private mutating func close(isSending: Bool) {
        phase = .closing(isSending: isSending)
        deadline = now + timeouts.idle
        waiting.removeAll()
    }

    /// The last bytes have left. Closing while the guest still sends would reset the connection under a reply that it has not
    /// read yet, so in that case only the server's half is closed, and received bytes are dropped for a while.
    package mutating func lastBytesLeft() -> Action {
        guard case .closing(isSending: true) = phase else { return .close }
        deadline = now + ConnectionTimeouts.lingering
        return .closeOutput
    }
}
