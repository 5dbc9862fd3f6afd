// How time, the kernel and the memory limit act on a connection.
extension GuestConnection {
    // MARK: Time

    /// Handles a tick of the loop.
    ///
    /// - Parameter generation: the current generation of the listener's port.
    package mutating func ticked(at time: Int, generation: Int) -> Action {
        now = time
        // The domain on the port is no longer the one that connected.
        guard generation == self.generation else { return .abort }
        if case .held = phase { return .retry }
        guard let end = pausedUntil, now >= end else { return .nothing }
        pausedUntil = nil
        return .handleWaiting
    }

    /// The action after a timeout; called when the tick's other checks are done.
    package mutating func expire() -> Action {
        guard now >= deadline else { return .nothing }
        switch phase {
        case .receiving where isWritable: return refuse(.requestTimeout)
        case .deferred(let request):
            // The request no longer waits for the effect's end.
            effects += 1
            phase = .receiving(request)
            return .answerUnavailable
        case .idle, .receiving, .held, .closing: return .close
        }
    }

    /// The listener accepts no more connections, and this one is to end in good order.
    ///
    /// - Parameter hasMore: whether a request was read that is not parsed yet.
    package mutating func quiesced(generation: Int, hasMore: Bool = false) -> Action {
        isQuiescing = true
        guard generation == self.generation else { return .abort }
        switch phase {
        case .idle where hasMore || !waiting.isEmpty: return .nothing
        case .idle(isNew: false): return finish()
        case .idle(isNew: true):
            deadline = min(deadline, now + ConnectionTimeouts.farewell)
            return .nothing
        case .held: return .retry
        case .receiving, .deferred, .closing: return .nothing
        }
    }

    // MARK: Reading of replies

    /// Counts reply bytes that were handed to the kernel.
    mutating func wrote(_ count: Int) { memory.progress.write(count) }

    /// The kernel accepts more of the replies, or no more for now.
    ///
    /// - Parameter isWriting: whether the change is found while a reply is handed over, where it means nothing; at all other
    ///   times a channel becomes writable again when the kernel has everything.
    mutating func writabilityChanged(to isWritable: Bool, whileWriting isWriting: Bool) -> Action {
        self.isWritable = isWritable
        guard !isWriting else { return .nothing }
        if isWritable { allWritten() }
        return .handleWaiting
    }

    /// The kernel has everything.
    mutating func allWritten() { _ = memory.progress.look(0) }

    /// The kernel has yet to accept this many bytes of the replies.
    mutating func looked(at left: Int) { _ = memory.progress.look(left) }

    /// The same, with a tick: a guest that reads its reply is not idle.
    mutating func watched(_ left: Int) {
        if memory.progress.look(left), !isWritable { deadline = now + timeouts.idle }
    }

    /// Whether some reply bytes may be unread.
    var hasUnread: Bool { memory.progress.mostUnread > 0 }

    /// Whether the unread bytes exceed the free amount of a connection: most replies are so small that a look at the next tick is
    /// enough.
    var hasMuchUnread: Bool { memory.progress.mostUnread > GuestMemory.free }

    /// Whether ``confirmed(allBut:)`` is due.
    package var isReadingDue: Bool { memory.progress.isDue(at: now, period: timeouts.reading) }

    /// The guest has confirmed all bytes that the kernel accepted except this many. A guest that reads next to nothing is
    /// dropped.
    mutating func confirmed(allBut unconfirmed: Int) -> Action {
        memory.progress.isTooSlow(unconfirmed: unconfirmed, at: now) ? .drop(.slowReading) : .nothing
    }

    /// The guest has yet to confirm so many bytes of a connection that is closed once it has.
    mutating func awaitsConfirmation(of bytes: Int) -> Action {
        guard memory.progress.isConfirmedTooSlowly(unconfirmed: bytes, at: now, period: timeouts.reading) else { return .nothing }
        // A guest that is gone confirms nothing either.
        return bytes > GuestMemory.free ? .drop(.slowReading) : .close
    }

    // MARK: Memory

    /// The memory that the connection takes beyond the free amount.
    package var kept: Int { memory.kept(besides: waiting.memory) }

    /// The guest memory that the connection was granted.
    var granted: Int { memory.granted }

    mutating func grant(_ bytes: Int) { memory.grant(bytes) }

    /// The memory limit of all guests does not grant what the connection takes.
    mutating func memoryRefused() -> Action {
        guard case .receiving = phase, memory.progress.unread == 0 else { return .close }
        memory.stopAtGrant()
        return refuse(.unavailable)
    }
}
