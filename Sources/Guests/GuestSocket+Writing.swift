import Common
import NIOCore
import Sockets

// Sending replies, and how the guest reads them.
extension GuestSocket {
    /// How many reply bytes are collected before they are sent.
    private static let mostTogether = 16 << 10
    /// How many reply bytes may wait for the kernel before no further request is read: until the kernel has accepted all.
    private static let mostWaiting = 2 << 10

    func send(_ reply: Reply, to request: GuestRequest) {
        let hops = reply.subject.hopLimit
        if hops != nil || isHopLimited, !limitHops(to: hops) { return close() }
        let persistence = connection.replied()
        let before = loop.output.readableBytes
        loop.output.write(reply, date: loop.dates.now, persistence: persistence, withBody: !request.isHead)
        let now = NIODeadline.now()
        if let client = slot.rateLimit {
            // Answering HEAD is as much work as answering GET.
            client.takeBytes(
                loop.output.readableBytes - before + (request.isHead ? reply.content.length : 0), at: now)
            loop.shares.add(work.charge(client, at: now, by: &loop.processor), of: client)
        }
        loop.rules.responder.events.watch.answered(request, by: reply, received: work.received, at: now)
        if persistence == .closing {
            finish()
        } else if loop.output.readableBytes >= Self.mostTogether {
            flush()
        }
    }

    /// Sends a reply that the connection itself makes.
    func sendOwn(_ reply: Reply) {
        guard let request = connection.request else { return }
        send(loop.rules.responder.refusal(reply, to: client), to: request)
    }

    /// Refuses an incomplete request.
    func refuse(_ refusal: GuestConnection.Refusal, toHead isToHead: Bool) {
        let reply = loop.rules.responder.refusal(Reply(refusal), to: client)
        loop.rules.responder.events.watch.metrics.refused(reply.status)
        loop.output.write(reply, date: loop.dates.now, persistence: .closing, withBody: !isToHead)
        finish()
    }

    /// Sets the hop limit of the next reply. The limit holds until the guest has confirmed the reply: bytes of a guest that sends
    /// further requests without waiting would otherwise be sent, or sent again, without it.
    ///
    /// - Returns: whether the limit is set; otherwise the reply must not be sent.
    private func limitHops(to hops: Int?) -> Bool {
        if hops == nil {
            flush()
            guard isOpen else { return false }
            let hasArrived = (try? HopLimit.allHasArrived(from: socket.descriptor)) == true
            guard unsent.readableBytes == 0, hasArrived else { return true }
        }
        guard (try? HopLimit.set(hops, on: socket.descriptor, family: client.address.family)) != nil else { return false }
        isHopLimited = hops != nil
        return true
    }

    /// Sends the last bytes, then closes.
    func finish() {
        flush(endFollows: true)
        guard isOpen else { return }
        guard unsent.readableBytes == 0 else {
            isFinishing = true
            return
        }
        endOutput()
    }

    /// Hands the replies to the kernel; if it does not accept all, no further request is read until it has.
    ///
    /// - Parameter endFollows: whether the connection ends as soon as all is sent.
    func flush(endFollows: Bool = false) {
        let count = loop.output.readableBytes
        guard count > 0, isOpen else { return }
        connection.wrote(count)
        if unsent.readableBytes > 0 {
            unsent.writeBuffer(&loop.output)
        } else {
            guard send(from: &loop.output, endFollows: endFollows) else { return close() }
            // What is left is kept as it is: a copy of a large document would cost as much as making it.
            if loop.output.readableBytes > 0 { swap(&unsent, &loop.output) }
        }
        loop.clearOutput()
        if unsent.readableBytes > Self.mostWaiting, connection.isWritable {
            perform(connection.writabilityChanged(to: false, whileWriting: true))
        }
        if connection.hasMuchUnread || !connection.isWritable { settle() }
    }

    /// The kernel accepts more.
    func sendMore() {
        guard isOpen, unsent.readableBytes > 0 else { return }
        guard !isOfAnother else { return abort() }
        guard send(from: &unsent, endFollows: false) else { return close() }
        guard unsent.readableBytes == 0 else { return }
        unsent = ByteBuffer()
        if isFinishing {
            endOutput()
        } else if connection.isWritable {
            connection.allWritten()
        } else {
            perform(connection.writabilityChanged(to: true, whileWriting: false))
        }
    }

    /// - Returns: whether the connection stands.
    private func send(from bytes: inout ByteBuffer, endFollows: Bool) -> Bool {
        let socket = socket
        do {
            _ = try unsafe bytes.readWithUnsafeReadableBytes { try unsafe socket.send($0, endFollows: endFollows) }
        } catch {
            return (error as? StreamSocket.Shortfall) == .wouldBlock
        }
        return true
    }

    // MARK: Unread replies

    /// Takes as much memory as the connection needs, or ends it where guests already have too much.
    func settle() {
        guard isOpen else { return }
        if connection.hasUnread { connection.looked(at: unsent.readableBytes) }
        let kept = connection.kept
        guard kept != connection.granted else { return }
        if loop.rules.limits.memory.change(from: connection.granted, to: kept, for: slot.rateLimit) {
            return connection.grant(kept)
        }
        loop.rules.limits.note(.memory, by: slot)
        perform(connection.memoryRefused())
    }

    /// Drops a guest that reads next to nothing of its reply.
    func watchReader() {
        if connection.hasUnread { connection.watched(unsent.readableBytes) }
        settle()
        guard isOpen, connection.isReadingDue, let unconfirmed = try? SendQueue.unconfirmedBytes(of: socket.descriptor) else {
            return
        }
        perform(connection.confirmed(allBut: unconfirmed))
    }
}
