import Dispatch
import Glibc
import NIOCore
import Testing

/// One TCP connection of a test's own, so that every byte is the test's; it waits at most ten seconds for anything.
package final class RawConnection: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let call: String
        package let code: Int32

        package var description: String { "\(call): \(unsafe String(cString: strerror(code)))" }
    }

    private static let queue = DispatchQueue(label: "raw connections", attributes: .concurrent)

    private let descriptor: Int32
    private let port: UInt16

    /// Connects to a port of 127.0.0.1.
    /// - Parameters:
    ///   - source: Who asks: an address of 127.0.0.0/8.
    ///   - window: How many bytes the kernel may keep for this side until they are read; the kernel's choice where it is `nil`.
    package init(to port: Int, from source: String = "127.0.0.1", window: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
        (self.descriptor, self.port) = (descriptor, UInt16(port))
        try set(SO_RCVTIMEO, to: timeval(tv_sec: 10, tv_usec: 0))
        try set(SO_SNDTIMEO, to: timeval(tv_sec: 10, tv_usec: 0))
        if let window { try set(SO_RCVBUF, to: window) }
        try Self.check("bind", bind(descriptor, to: SocketAddress(ipAddress: source, port: 0)))
        try Self.check("connect", connect(descriptor, to: SocketAddress(ipAddress: "127.0.0.1", port: port)))
    }

    deinit { close(descriptor) }

    // MARK: Sending

    package func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    package func send(_ bytes: [UInt8]) async throws {
        try await onQueue { [descriptor] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard sent > 0 else { throw Failure(call: "send", code: errno) }
                rest = rest.dropFirst(sent)
            }
        }
    }

    /// Sends what the other side takes without waiting, and says how much that was.
    package func sendWithoutWaiting(_ bytes: [UInt8], from start: Int = 0) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return unsafe bytes.withUnsafeBytes { bytes in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
            return max(0, unsafe Glibc.send(descriptor, rest.baseAddress, rest.count, flags))
        }
    }

    /// Waits until the server has taken all that was sent out of its kernel: what it does with it comes before all that it does later.
    package func waitUntilRead() async throws {
        try #require(try await eventually(every: .milliseconds(2)) { try unreadBytes() == 0 }, "the server does not read on")
    }

    /// How many bytes the server's kernel has for it, or this side's has for the server's; `nil` where the server has closed.
    private func unreadBytes() throws -> Int? {
        var unsent: Int32 = 0
        try Self.check("ioctl", unsafe ioctl(descriptor, UInt(TIOCOUTQ), &unsent))
        let file = unsafe open("/proc/net/tcp", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(call: "open", code: errno) }
        defer { close(file) }
        var (text, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 64 << 10))
        while case let count = unsafe read(file, &piece, piece.count), count > 0 { text += piece.prefix(count) }
        // The server's own socket: its address and this side's.
        let row = try "0100007F:\(hexadecimal(port)) \(Self.address(of: descriptor)) "
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.contains(row) }) else { return nil }
        // The queues are the fifth field, `tx_queue:rx_queue` (proc_net_tcp(5)).
        let unread = line.split(separator: " ")[4].split(separator: ":")[1]
        return (Int(unread, radix: 16) ?? 0) + Int(unsent)
    }

    /// This side's address and port as the kernel prints them.
    private static func address(of descriptor: Int32) throws -> String {
        let bytes = try ownAddress(of: descriptor)
        return unsafe bytes.withUnsafeBytes { bytes in
            let port = unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            return unsafe "\(hexadecimal(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))):\(hexadecimal(port))"
        }
    }

    /// Says that nothing more will be sent; reading goes on.
    package func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes the end of this connection a reset, as when a guest is switched off.
    package func abort() {
        try? set(SO_LINGER, to: linger(l_onoff: 1, l_linger: 0))
    }

    // MARK: Receiving

    /// Some bytes; none once the other side has ended.
    ///
    /// - Parameter flags: as recv(2) has them.
    package func receive(atMost count: Int = 64 << 10, flags: Int32 = 0) async throws -> [UInt8] {
        try await onQueue { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: count)
            let received = unsafe recv(descriptor, &bytes, count, flags)
            guard received >= 0 else { throw Failure(call: "recv", code: errno) }
            return Array(bytes.prefix(received))
        }
    }

    /// All until the other side ends.
    package func rest() async throws -> String {
        var all: [UInt8] = []
        while case let bytes = try await receive(), !bytes.isEmpty { all += bytes }
        return String(decoding: all, as: UTF8.self)
    }

    /// One reply: its head and, unless it answers HEAD, as much of a body as that announces.
    package func reply(toHead: Bool = false) async throws -> RawReply {
        var all: [UInt8] = []
        while !all.hasEmptyLine {
            // What follows the head stays for the next call.
            let seen = all + (try await receive(atMost: 4 << 10, flags: Int32(MSG_PEEK)))
            all += try await some((seen.endOfHead ?? max(seen.count, all.count + 1)) - all.count)
        }
        var reply = RawReply(head: String(decoding: all, as: UTF8.self))
        while !toHead, reply.body.count < reply.length { reply.body += try await some(reply.length - reply.body.count) }
        return reply
    }

    /// Whether the other side has ended, in good order or not.
    package func isEnded() async -> Bool {
        ((try? await receive(atMost: 1)) ?? []).isEmpty
    }

    private func some(_ count: Int) async throws -> [UInt8] {
        let bytes = try await receive(atMost: min(count, 64 << 10))
        guard !bytes.isEmpty else { throw Failure(call: "recv", code: 0) }
        return bytes
    }

    // MARK: The kernel

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Self.queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }

    private func set<Value: BitwiseCopyable>(_ option: Int32, to value: Value) throws {
        var value = value
        let size = socklen_t(MemoryLayout<Value>.size)
        try Self.check("setsockopt", unsafe setsockopt(descriptor, SOL_SOCKET, option, &value, size))
    }

    private static func check(_ call: String, _ status: Int32) throws {
        guard status == 0 else { throw Failure(call: call, code: errno) }
    }
}

/// A reply as it came over the wire.
package struct RawReply: Sendable {
    package let head: String
    package var body: [UInt8] = []

    package var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    package var text: String { String(decoding: body, as: UTF8.self) }
    package var length: Int { field("Content-Length").flatMap { Int($0) } ?? 0 }

    package func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

extension Collection<UInt8> where Self: BidirectionalCollection {
    fileprivate var hasEmptyLine: Bool { suffix(4).elementsEqual([13, 10, 13, 10]) }
}

extension [UInt8] {
    /// Where a head ends: behind its empty line.
    fileprivate var endOfHead: Int? { indices.dropFirst(3).first { self[...$0].hasEmptyLine }.map { $0 + 1 } }
}

/// All digits of a number, in capitals.
private func hexadecimal<Number: FixedWidthInteger>(_ number: Number) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return String(repeating: "0", count: Number.bitWidth / 4 - digits.count) + digits
}

private func bind(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe address.withSockAddr { unsafe Glibc.bind(descriptor, $0, socklen_t($1)) }
}

private func connect(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe address.withSockAddr { unsafe Glibc.connect(descriptor, $0, socklen_t($1)) }
}
