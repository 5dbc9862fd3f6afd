import Common
import NIOCore
import Sockets

// The end of a connection, and reading that no reply is charged for.
extension GuestSocket {
    /// The kernel has the last bytes.
    func endOutput() {
        let action = connection.lastBytesLeft()
        if action == .close { closeWhenConfirmed() } else { perform(action) }
    }

    /// Closes the connection once the guest has confirmed everything. Until then it counts for its guest: the kernel would keep the rest of a closed
    /// connection for as long as the guest confirms a byte now and then.
    func closeWhenConfirmed() {
        guard isOpen, !isConfirming else { return }
        isConfirming = true
        if !isOutputEnded {
            isOutputEnded = true
            socket.endOutput()
        }
        if interest != nil {
            // Where both sides have ended, there would be an event in every turn.
            loop.poller.remove(socket.descriptor)
            interest = nil
        }
        // A server that stops does not wait for a guest that may confirm nothing: the kernel sends the rest without it.
        if loop.isQuiescing { return close(dropsRest: false) }
        loop.watchConfirmation(of: self)
    }

    /// Called a few milliseconds later: most guests have confirmed by then.
    ///
    /// - Returns: whether there is nothing more to wait for.
    func closeIfConfirmed() -> Bool {
        guard isOpen, isConfirming else { return true }
        guard (try? SendQueue.unconfirmedBytes(of: socket.descriptor)) == 0 else { return false }
        close(dropsRest: false)
        return true
    }

    /// Called with every tick while it waits for the guest's confirmation.
    func watchConfirmation() {
        guard let left = try? SendQueue.unconfirmedBytes(of: socket.descriptor), left > 0 else { return close(dropsRest: false) }
        perform(connection.awaitsConfirmation(of: left))
    }

    /// Closes at once, and drops unsent bytes: they are not for the guest that now owns the port.
    func abort() {
        // Where the option cannot be set, the rules no longer redirect this connection's port.
        try? ConnectionReset.atClose(of: socket.descriptor)
        close(dropsRest: false)
    }

    /// Has close(2) reset the connection where the guest has not confirmed everything.
    func dropUnconfirmed() {
        guard let left = try? SendQueue.unconfirmedBytes(of: socket.descriptor), left > 0 else { return }
        try? ConnectionReset.atClose(of: socket.descriptor)
    }

    /// Charges a read that is not the first of its request, that follows the last one, or that has only line ends. A guest that owes time is not
    /// read from for a while: it could otherwise send requests in pieces, without an end, and never be charged.
    func chargeReading() {
        guard isOpen, let rateLimit = slot.rateLimit else { return }
        let now = NIODeadline.now()
        rateLimit.takeTime(WorkMeter.read, at: now)
        if rateLimit.owesTime(at: now) { connection.pause() }
    }
}
