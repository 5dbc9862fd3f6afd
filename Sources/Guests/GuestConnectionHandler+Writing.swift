import Common
import NIOCore
import Sockets

// Writing replies as packets, and how the guest reads them.
extension GuestConnectionHandler {
    func send(_ reply: Reply, to request: GuestRequest, _ context: ChannelHandlerContext) {
        let hops = reply.subject.hopLimit
        if hops != nil || isHopLimited, !limitHops(to: hops, context) { return context.close(promise: nil) }
        let persistence = connection.replied()
        let before = outgoing.readableBytes
        outgoing.write(reply, date: dates.now, persistence: persistence, withBody: !request.isHead)
        let now = NIODeadline.now()
        if let client = slot?.rateLimit {
            // Answering HEAD is as much work as answering GET.
            client.takeBytes(
                outgoing.readableBytes - before + (request.isHead ? reply.content.length : 0), at: now)
            work.charge(client, at: now)
        }
        responder.events.watch.answered(request, by: reply, received: work.received, at: now)
        if persistence == .closing {
            finish(context)
        } else if outgoing.readableBytes >= Self.mostTogether {
            flush(context)
        }
    }

    /// Sends a reply that the connection itself makes.
    func sendOwn(_ reply: Reply, _ context: ChannelHandlerContext) {
        guard let client, let request = connection.request else { return }
        send(responder.refusal(reply, to: client), to: request, context)
    }

    /// Refuses an incomplete request.
    func refuse(_ refusal: GuestConnection.Refusal, toHead isToHead: Bool, _ context: ChannelHandlerContext) {
        guard let client else { return }
        let reply = responder.refusal(Reply(refusal), to: client)
        responder.events.watch.metrics.refused(reply.status)
        outgoing.write(reply, date: dates.now, persistence: .closing, withBody: !isToHead)
        finish(context)
    }

    /// Runs work that takes time in proportion to its length and charges the client for it, except for requests that are answered
    /// meanwhile, which are charged themselves.
    func charging<Value>(_ body: () throws -> Value) rethrows -> Value {
        let start = work.start()
        defer { work.charge(slot?.rateLimit, since: start) }
        return try body()
    }

    /// Sets the hop limit of the next reply. The limit holds until the guest has confirmed the reply: bytes of a guest that sends
    /// further requests without waiting would otherwise be sent, or sent again, without it.
    ///
    /// - Returns: whether the limit is set; otherwise the reply must not be sent.
    private func limitHops(to hops: Int?, _ context: ChannelHandlerContext) -> Bool {
        guard let socket = context.channel.socketDescriptor, let family = client?.address.family else { return false }
        if hops == nil {
            flush(context)
            guard isAllWritten(context), (try? HopLimit.allHasArrived(from: socket)) == true else { return true }
        }
        guard (try? HopLimit.set(hops, on: socket, family: family)) != nil else { return false }
        isHopLimited = hops != nil
        return true
    }

    /// Writes the last bytes, then closes.
    func finish(_ context: ChannelHandlerContext) {
        updateReading(context)
        flush(context)
        guard isOpen else { return }
        // The kernel accepts nearly every reply at once. Otherwise the completion of an empty write tells when the reply has
        // left.
        if isAllWritten(context) {
            connection.allWritten()
            return perform(connection.lastBytesLeft(), context)
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
            self.perform(self.connection.lastBytesLeft(), context)
        }
    }

    /// Whether the kernel has accepted all flushed bytes.
    private func isAllWritten(_ context: ChannelHandlerContext) -> Bool {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0
    }

    /// Flushes the replies; if the kernel does not accept all, no further request is read until it has.
    func flush(_ context: ChannelHandlerContext) {
        guard outgoing.readableBytes > 0 else { return }
        let buffer = outgoing
        outgoing = ByteBuffer()
        connection.wrote(buffer.readableBytes)
        isFlushing = true
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        isFlushing = false
        updateReading(context)
        if connection.hasMuchUnread || !context.channel.isWritable { settle(context) }
    }

    // MARK: Unread replies

    /// Takes as much memory as the connection needs, or ends it where guests already have too much.
    func settle(_ context: ChannelHandlerContext) {
        if connection.hasUnread, let left = unwritten(context) { connection.looked(at: left) }
        let kept = connection.kept
        guard kept != connection.granted, let slot else { return }
        if table.limits.memory.change(from: connection.granted, to: kept, for: slot.rateLimit) {
            return connection.grant(kept)
        }
        table.limits.note(.memory, by: slot)
        perform(connection.memoryRefused(), context)
    }

    /// Drops a guest that reads next to nothing of its reply.
    func watchReader(_ context: ChannelHandlerContext) {
        if connection.hasUnread, let left = unwritten(context) { connection.watched(left) }
        settle(context)
        guard isOpen, connection.isReadingDue, let socket = context.channel.socketDescriptor,
            let unconfirmed = try? SendQueue.unconfirmedBytes(of: socket)
        else { return }
        perform(connection.confirmed(allBut: unconfirmed), context)
    }

    /// How many reply bytes the kernel has yet to accept.
    private func unwritten(_ context: ChannelHandlerContext) -> Int? {
        try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
    }
}
