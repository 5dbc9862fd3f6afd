import CLinux
import Glibc

/// A socket that asks the kernel one question at a time and waits for its answer.
///
/// It belongs to the network namespace of the thread that opened it, and one thread at a time may use it.
struct NetlinkSocket: ~Copyable {
    /// How long an answer may take. The kernel writes it before `send(2)` returns, so this is only for what should not happen.
    static let answerTimeout: Duration = .seconds(1)
    /// The most bytes of a datagram: the kernel puts no more of a list into one (`netlink_dump`); one entry has a few hundred.
    static let mostBytes = 32 << 10
    /// How many datagrams may come before the one that answers: late answers to questions that we gave up.
    static let mostDatagrams = 16
    /// The most entries of a list: more links, addresses and routes than any host has that is not a router of the Internet.
    static let mostEntries = 1 << 18
    /// The most bytes of a list.
    static let mostBytesOfList = 128 << 20
    /// How often a list is asked for again because it changed meanwhile.
    static let mostAttempts = 8

    /// It stays ours; closed with this.
    let descriptor: Int32
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: NetlinkSocket.mostBytes)

    /// Opens a socket of one of the protocols of netlink(7), such as `NETLINK_ROUTE`.
    /// - Throws: `KernelError` with the code of `socket(2)`, `setsockopt(2)` or `connect(2)`.
    init(protocol number: Int32) throws(KernelError) {
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

    /// Asks, and waits for the one message that answers; `nil` where the kernel answers without one.
    /// - Throws: `KernelError` with the code that the kernel sends, or that of `send(2)` or `recvfrom(2)`; `.noAnswer` after
    ///   `answerTimeout`; `.malformedAnswer`, `.foreignAnswer`, `.answerTooLong`.
    mutating func ask(_ request: Netlink.Request) throws(KernelError) -> Netlink.Message? {
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

    /// Asks for a list (`NLM_F_DUMP`), and gives each entry to `body` in the order of the kernel.
    ///
    /// Where the list changed while it was read, all is read again; `begin` is called before each reading, to forget the last.
    /// - Throws: What `ask` and `body` throw; `.interrupted` where the list changes all the time, `.answerTooLong` above
    ///   `mostEntries` or `mostBytesOfList`. The socket is of no use afterwards.
    mutating func list(
        _ request: Netlink.Request, begin: () -> Void = {}, each body: (Netlink.Message) throws(KernelError) -> Void
    ) throws(KernelError) {
        for _ in 0..<Self.mostAttempts {
            begin()
            if try listOnce(request, each: body) { return }
        }
        throw KernelError(.interrupted, in: request.operation)
    }

    /// Asks for a list once.
    /// - Returns: Whether it stayed the same all the while.
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

    /// Sends a request under the next number.
    private mutating func send(_ request: Netlink.Request) throws(KernelError) {
        sequence &+= 1
        let message = request.bytes(sequence: sequence)
        // Safe: send(2) reads exactly the bytes of the array.
        guard unsafe Glibc.send(descriptor, message, message.count, 0) == message.count else {
            throw .last(in: request.operation)
        }
    }

    /// One datagram of the kernel; `nil` if a signal came first or another process sent it.
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
