import Glibc
import NIOCore

/// A client that asks one request after the other over a kept connection, and blocks meanwhile; for views and loops that cannot wait
/// otherwise. It waits at most ten seconds for anything.
package final class PlainClient {
    private let descriptor: Int32
    private var received: [UInt8] = []

    /// Connects to a port of an address, of 127.0.0.1 by default.
    package init(to port: Int, at address: String = "127.0.0.1") throws {
        let remote = try SocketAddress(ipAddress: address, port: port)
        let family = remote.protocol == .inet6 ? AF_INET6 : AF_INET
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw RawConnection.Failure(call: "socket", code: errno) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        let status = unsafe remote.withSockAddr { unsafe connect(descriptor, $0, socklen_t($1)) }
        guard status == 0 else { throw RawConnection.Failure(call: "connect", code: errno) }
    }

    deinit { close(descriptor) }

    /// The reply to a request; one to HEAD has no body.
    package func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) throws -> RawReply {
        let length = body.isEmpty ? [] : [("Content-Length", "\(body.utf8.count)")]
        let fields = ([("Host", "169.254.169.254")] + headers + length).map { "\($0.0): \($0.1)\r\n" }.joined()
        try send(Array("\(method) \(target) HTTP/1.1\r\n\(fields)\r\n\(body)".utf8))
        var reply = try RawReply(head: head())
        if method != "HEAD" { reply.body = try take(reply.length) }
        return reply
    }

    /// A new session token.
    package func token(lifetime: Int = 60) throws -> String {
        try request("PUT", "/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "\(lifetime)")]).text
    }

    private func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw RawConnection.Failure(call: "send", code: errno) }
            rest = rest.dropFirst(sent)
        }
    }

    private func head() throws -> String {
        var end: Int?
        while end == nil {
            end = received.indices.first { $0 >= 3 && Array(received[($0 - 3)...$0]) == [13, 10, 13, 10] }
            if end == nil { try receive() }
        }
        let head = received[...(end ?? 0)]
        defer { received.removeFirst(head.count) }
        return String(decoding: head, as: UTF8.self)
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.count < count { try receive() }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    private func receive() throws {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { throw RawConnection.Failure(call: "recv", code: count == 0 ? 0 : errno) }
        received += piece.prefix(count)
    }
}
