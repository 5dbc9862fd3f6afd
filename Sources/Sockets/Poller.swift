import CLinux
package import Common
import Glibc

/// The sockets that one thread waits for (epoll(7), level-triggered), and a way for other threads to end its wait (eventfd(2)).
///
/// Any thread may add and remove sockets; one thread waits.
package final class Poller: Sendable {
    /// What a socket is waited for. Errors and the end of a connection are always reported.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Bytes, a connection to accept, or the end of the peer's bytes.
        package static let reading = Interest(rawValue: EPOLLIN.rawValue)
        /// Space for bytes to send.
        package static let writing = Interest(rawValue: EPOLLOUT.rawValue)
        /// Where several pollers wait for one socket, only some of them are woken.
        package static let shared = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
    }

    /// What happened to a socket.
    package struct Event {
        /// The number that the socket was added with.
        package let token: UInt64
        fileprivate let flags: UInt32

        package var isReadable: Bool { flags & EPOLLIN.rawValue != 0 }
        package var isWritable: Bool { flags & EPOLLOUT.rawValue != 0 }
        /// Whether it failed, or neither side sends any more.
        package var isEnded: Bool { flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 }
    }

    /// The token of the descriptor that ends a wait.
    private static let waking = UInt64.max

    private let descriptor: Int32
    private let waker: Int32

    /// - Throws: `KernelError`, such as `.tooManyFiles`.
    package init() throws(KernelError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .last(in: "epoll_create1") }
        waker = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard waker >= 0 else { throw .last(in: "eventfd") }
        try set(EPOLL_CTL_ADD, waker, .reading, Self.waking)
    }

    deinit {
        close(waker)
        close(descriptor)
    }

    /// Waits for a socket from now on.
    ///
    /// - Parameter token: any number but the largest; events of the socket have it.
    /// - Throws: `KernelError`.
    package func add(_ socket: Int32, _ interest: Interest, token: UInt64) throws(KernelError) {
        try set(EPOLL_CTL_ADD, socket, interest, token)
    }

    /// Waits for something else of a socket.
    ///
    /// - Throws: `KernelError`.
    package func change(_ socket: Int32, to interest: Interest, token: UInt64) throws(KernelError) {
        try set(EPOLL_CTL_MOD, socket, interest, token)
    }

    /// Waits for a socket no longer; closing its last descriptor does the same.
    package func remove(_ socket: Int32) { _ = clinux_poll(descriptor, EPOLL_CTL_DEL, socket, 0, 0) }

    private func set(_ operation: Int32, _ socket: Int32, _ interest: Interest, _ token: UInt64) throws(KernelError) {
        guard clinux_poll(descriptor, operation, socket, interest.rawValue, token) == 0 else { throw .last(in: "epoll_ctl") }
    }

    /// Waits until a socket has an event, another thread ends the wait, or time is up.
    ///
    /// - Parameters:
    ///   - milliseconds: `nil` for any time.
    ///   - events: is filled again.
    package func wait(_ milliseconds: Int32?, for events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        var found = unsafe InlineArray<64, epoll_event>(repeating: epoll_event())
        var isWoken = false
        var list = unsafe found.mutableSpan
        let count = unsafe list.withUnsafeMutableBufferPointer { memory in
            // Safe: epoll_wait(2) writes at most as many events as it is given.
            unsafe epoll_wait(descriptor, memory.baseAddress, Int32(memory.count), milliseconds ?? -1)
        }
        // An interrupted wait has no events.
        for index in 0..<max(0, Int(count)) {
            let token = unsafe list[index].data.u64
            if token == Self.waking {
                isWoken = true
            } else {
                events.append(Event(token: token, flags: unsafe list[index].events))
            }
        }
        if isWoken {
            var count: UInt64 = 0
            // Safe: read(2) writes eight bytes.
            _ = unsafe read(waker, &count, 8)
        }
    }

    /// Ends the wait of the other thread, or the next one that it begins.
    package func wake() {
        var one: UInt64 = 1
        // Safe: write(2) reads eight bytes. It fails only where a wake is due anyway.
        _ = unsafe write(waker, &one, 8)
    }
}
