import Dispatch
import Glibc
import NIOCore

/// One TCP connection of a test's own, so that every byte is the test's; it waits at most ten seconds for anything.
final class RawConnection: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let call: String
        let code: Int32

        var description: String { "\(call): \(unsafe String(cString: strerror(code)))" }
    }

    private static let queue = DispatchQueue(label: "raw connections", attributes: .concurrent)

    private let descriptor: Int32

    /// Connects to a port of 127.0.0.1.
    /// - Parameters:
    ///   - source: Who asks: an address of 127.0.0.0/8.
    ///   - window: How many bytes the kernel may keep for this side until they are read; the kernel's choice where it is `nil`.
    init(to port: Int, from source: String = "127.0.0.1", window: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
        self.descriptor = descriptor
        try set(SO_RCVTIMEO, to: timeval(tv_sec: 10, tv_usec: 0))
        try set(SO_SNDTIMEO, to: timeval(tv_sec: 10, tv_usec: 0))
        if let window { try set(SO_RCVBUF, to: window) }
        try Self.check("bind", bind(descriptor, to: SocketAddress(ipAddress: source, port: 0)))
        try Self.check("connect", connect(descriptor, to: SocketAddress(ipAddress: "127.0.0.1", port: port)))
    }

    deinit { close(descriptor) }

    // MARK: Sending

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
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
    func sendWithoutWaiting(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(0, unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    /// Says that nothing more will be sent; reading goes on.
    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes the end of this connection a reset, as when a guest is switched off.
    func abort() {
        try? set(SO_LINGER, to: linger(l_onoff: 1, l_linger: 0))
    }

    // MARK: Receiving

    /// Some bytes; none once the other side has ended.
    func receive(atMost count: Int = 64 << 10) async throws -> [UInt8] {
        try await onQueue { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: count)
            let received = unsafe recv(descriptor, &bytes, count, 0)
            guard received >= 0 else { throw Failure(call: "recv", code: errno) }
            return Array(bytes.prefix(received))
        }
    }

    /// All until the other side ends.
    func rest() async throws -> String {
        var all: [UInt8] = []
        while case let bytes = try await receive(), !bytes.isEmpty { all += bytes }
        return String(decoding: all, as: UTF8.self)
    }

    /// One reply: its head and, unless it answers HEAD, as much of a body as that announces.
    func reply(toHead: Bool = false) async throws -> RawReply {
        var all: [UInt8] = []
        while !all.hasEmptyLine { all += try await some(1) }
        var reply = RawReply(head: String(decoding: all, as: UTF8.self))
        while !toHead, reply.body.count < reply.length { reply.body += try await some(reply.length - reply.body.count) }
        return reply
    }

    /// Whether the other side has ended, in good order or not.
    func isEnded() async -> Bool {
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
struct RawReply: Sendable {
    let head: String
    var body: [UInt8] = []

    var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    var text: String { String(decoding: body, as: UTF8.self) }
    var length: Int { field("Content-Length").flatMap { Int($0) } ?? 0 }

    func field(_ name: String) -> String? {
        head.split(separator: "\r\n").first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }
}

extension [UInt8] {
    fileprivate var hasEmptyLine: Bool { suffix(4) == [13, 10, 13, 10] }
}

private func bind(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe address.withSockAddr { unsafe Glibc.bind(descriptor, $0, socklen_t($1)) }
}

private func connect(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
    unsafe address.withSockAddr { unsafe Glibc.connect(descriptor, $0, socklen_t($1)) }
}
