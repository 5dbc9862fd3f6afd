import CLinux
package import Common
import Glibc

/// A socket that sends the kernel one request at a time and waits for its answer.
///
/// It belongs to the network namespace of the thread that opened it, and one thread at a time may use it.
package struct NetlinkSocket: ~Copyable {
    /// The timeout of an answer. The kernel writes it before `send(2)` returns, so this is only a safeguard.
    static let answerTimeout: Duration = .seconds(1)
    /// The most bytes of a datagram: the kernel's limit for a part of a list (`netlink_dump`); one entry has a few hundred.
    static let mostBytes = 32 << 10
    /// The most datagrams before the answer: late answers to requests that timed out.
    static let mostDatagrams = 16
    /// The most entries of a list: more links, addresses and routes than any host has, except for a router of the Internet.
    package static let mostEntries = 1 << 18
    /// The most bytes of a list.
    static let mostBytesOfList = 128 << 20
    /// The most attempts to read a list that changes meanwhile.
    static let mostAttempts = 8

    /// Owned by this value, which closes it.
    package let descriptor: Int32
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: NetlinkSocket.mostBytes)

    /// Opens a socket of one of the protocols of netlink(7), such as `NETLINK_ROUTE`.
    /// - Throws: `KernelError` with the code of `socket(2)`, `setsockopt(2)` or `connect(2)`.
    package init(protocol number: Int32) throws(KernelError) {
        descriptor = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), number)
        guard descriptor >= 0 else { throw .last(in: "socket(AF_NETLINK)") }
        var timeout = timeval(tv_sec: Int(Self.answerTimeout.components.seconds), tv_usec: 0)
        // Safe: setsockopt(2) reads one timeval and keeps no pointer.
        guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size)) == 0 else {
            throw .last(in: "setsockopt(SO_RCVTIMEO)")
        }
        guard clinux_connect_to_kernel(descriptor) == 0 else { throw .last(in: "connect(AF_NETLINK)") }
    }

    deinit { close(descriptor) }

    /// Sends a request, and waits for the message that answers it; `nil` where the kernel only confirms it.
    /// - Throws: `KernelError` with the code that the kernel sends, or that of `send(2)` or `recvfrom(2)`; `.noAnswer` after
    ///   `answerTimeout`; `.malformedAnswer`, `.foreignAnswer`, `.answerTooLong`.
    package mutating func ask(_ request: Netlink.Request) throws(KernelError) -> Netlink.Message? {
        try send(request)
        for _ in 0..<Self.mostDatagrams {
            guard let datagram = try receive(request.operation) else { continue }
            switch try Netlink.answer(to: request.operation, sequence: sequence, in: datagram) {
            case .message(let message): return message
            case .done: return nil
            case .foreign: continue
            }
        }
        throw KernelError(.foreignAnswer, in: request.operation)
    }

    /// Requests a list (`NLM_F_DUMP`), and passes each entry to `body` in the kernel's order.
    ///
    /// A list that changed while it was read is read again; `begin` is called before each attempt, to discard the entries of the last.
    /// - Throws: The errors of `ask` and `body`; `.interrupted` where the list changes all the time, `.answerTooLong` above
    ///   `mostEntries` or `mostBytesOfList`. The socket must not be used afterwards.
    package mutating func list(
        _ request: Netlink.Request, begin: () -> Void = {}, each body: (Netlink.Message) throws(KernelError) -> Void
    ) throws(KernelError) {
        for _ in 0..<Self.mostAttempts {
            begin()
            if try listOnce(request, each: body) { return }
        }
        throw KernelError(.interrupted, in: request.operation)
    }

    /// Requests a list once.
    /// - Returns: Whether it did not change meanwhile.
    private mutating func listOnce(
        _ request: Netlink.Request, each body: (Netlink.Message) throws(KernelError) -> Void
    ) throws(KernelError) -> Bool {
        try send(request)
        var (entries, bytes, foreign, isConsistent) = (0, 0, 0, true)
        while foreign < Self.mostDatagrams {
            guard let datagram = try receive(request.operation) else {
                foreign += 1
                continue
            }
            let part = try Netlink.part(ofListFrom: request.operation, sequence: sequence, in: datagram)
            if part.isInconsistent { isConsistent = false }
            if part.entries.isEmpty, !part.isLast { foreign += 1 }
            (entries, bytes) = (entries + part.entries.count, bytes + datagram.count)
            guard entries <= Self.mostEntries, bytes <= Self.mostBytesOfList else {
                throw KernelError(.answerTooLong, in: request.operation)
            }
            for entry in part.entries { try body(entry) }
            if part.isLast { return isConsistent }
        }
        throw KernelError(.foreignAnswer, in: request.operation)
    }

    /// Sends a request with the next sequence number.
    private mutating func send(_ request: Netlink.Request) throws(KernelError) {
        sequence &+= 1
        let message = request.bytes(sequence: sequence)
        // Safe: send(2) reads exactly the bytes of the array.
        guard unsafe Glibc.send(descriptor, message, message.count, 0) == message.count else {
            throw .last(in: request.operation)
        }
    }

    /// One datagram of the kernel; `nil` if a signal interrupted the call or another process sent it.
    private mutating func receive(_ operation: String) throws(KernelError) -> ArraySlice<UInt8>? {
        var sender: UInt32 = 0
        // Safe: at most `buffer.count` bytes are written to the buffer, and one number to `sender`.
        let length = unsafe clinux_receive_netlink(descriptor, &buffer, buffer.count, &sender)
        guard length >= 0 else {
            let error = KernelError.last(in: operation)
            guard error.code == .interrupted else { throw error }
            return nil
        }
        guard sender == 0 else { return nil }
        guard length <= buffer.count else { throw KernelError(.answerTooLong, in: operation) }
        return buffer.prefix(length)
    }
}
