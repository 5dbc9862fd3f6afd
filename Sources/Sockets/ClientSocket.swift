import CLinux
package import Common
import Glibc

/// A TCP connection that this process begins. One thread uses it; every wait has an end.
package final class ClientSocket {
    package enum Failure: Error, Equatable {
        case timedOut
        /// ECONNREFUSED, ECONNRESET and the like.
        case failed(KernelError)
    }

    private let descriptor: Int32

    /// Connects.
    /// - Throws: `Failure`.
    package init(to address: ServerAddress, until deadline: ContinuousClock.Instant) throws(Failure) {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw .failed(.last(in: "socket")) }
        try? SocketOption.set(TCP_NODELAY, of: Int32(IPPROTO_TCP), to: 1, on: descriptor, "TCP_NODELAY")
        let status = unsafe address.bytes.withUnsafeBytes { bytes in
            // Safe: connect(2) reads the address, whose length is given.
            unsafe connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard status != 0 else { return }
        guard errno == EINPROGRESS else { throw .failed(.last(in: "connect")) }
        try wait(POLLOUT, until: deadline)
        var (code, length): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
        // Safe: getsockopt(2) writes four bytes.
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
            throw .failed(.last(in: "getsockopt(SO_ERROR)"))
        }
        guard code == 0 else { throw .failed(KernelError(KernelError.Code(rawValue: code), in: "connect")) }
    }

    deinit { close(descriptor) }

    /// Sends all bytes.
    package func send(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Safe: send(2) reads as many bytes as the slice has.
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try wait(POLLOUT, until: deadline)
            } else if errno != EINTR {
                throw .failed(.last(in: "send"))
            }
        }
    }

    /// Receives what is there, and waits until something is.
    /// - Returns: the number of bytes; 0 where the peer sends no more.
    package func receive(into bytes: inout [UInt8], until deadline: ContinuousClock.Instant) throws(Failure) -> Int {
        while true {
            // Safe: recv(2) writes at most as many bytes as there are.
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count >= 0 { return count }
            if errno == EAGAIN {
                try wait(POLLIN, until: deadline)
            } else if errno != EINTR {
                throw .failed(.last(in: "recv"))
            }
        }
    }

    private func wait(_ events: Int32, until deadline: ContinuousClock.Instant) throws(Failure) {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let rest = ContinuousClock.now.duration(to: deadline)
            guard rest > .zero else { throw .timedOut }
            // A little late rather than early, when it would have to wait again.
            let milliseconds = Int32(min(rest / .milliseconds(1), 60_000)) + 1
            // Safe: poll(2) reads and writes one structure.
            let count = unsafe poll(&entry, 1, milliseconds)
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .failed(.last(in: "poll")) }
        }
    }
}
