import Common
import Recording
package import Sockets

/// One connection, on which requests are bytes: a client that hides nothing of what a server does.
package final class WireConnection {
    /// Of a response's head, in bytes.
    private static let longestHead = 64 << 10
    /// Of informational responses (1xx) before one.
    private static let mostInformational = 8

    private let socket: ClientSocket
    private var buffer: [UInt8] = []
    /// How many bytes of the buffer are used up.
    private var start = 0
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)

    /// Connects to the first address that accepts.
    /// - Throws: `WireFailure` of the last address.
    package init(to addresses: [ServerAddress], within limit: Duration) throws(WireFailure) {
        let deadline = ContinuousClock.now.advanced(by: limit)
        var failure = WireFailure.notConnected("the host has no address")
        for (index, address) in addresses.enumerated() {
            // One that does not answer leaves time for those after it.
            let share = ContinuousClock.now.duration(to: deadline) / (addresses.count - index)
            do throws(ClientSocket.Failure) {
                socket = try ClientSocket(to: address, until: .now.advanced(by: share))
                return
            } catch {
                failure = Self.failure(error, "no connection after \(Self.shown(limit))")
            }
        }
        throw failure
    }

    // MARK: Requests

    package func send(_ text: String, within limit: Duration) throws(WireFailure) {
        try send(Array(text.utf8), within: limit)
    }

    package func send(_ bytes: [UInt8], within limit: Duration) throws(WireFailure) {
        do throws(ClientSocket.Failure) {
            try socket.send(bytes, until: .now.advanced(by: limit))
        } catch {
            throw Self.failure(error, "the server does not read the request")
        }
    }

    // MARK: Responses

    /// Reads one response.
    /// - Parameters:
    ///   - isForHead: whether the request was HEAD, so that no body follows.
    ///   - limit: until it is complete.
    ///   - mostBytes: of its body.
    package func response(
        isForHead: Bool = false, within limit: Duration, mostBytes: Int
    ) throws(WireFailure) -> WireResponse {
        let begin = ContinuousClock.now
        let deadline = begin.advanced(by: limit)
        var count = 0
        while true {
            let head = try head(until: deadline, limit)
            guard head.status >= 200 else {
                count += 1
                guard count <= Self.mostInformational else { throw .malformed("more than \(count - 1) informational responses") }
                continue
            }
            let hasNone = isForHead || head.status == 204 || head.status == 304
            let (body, framing) =
                hasNone ? ([], .length) : try self.body(of: head, until: deadline, limit, mostBytes: mostBytes)
            return WireResponse(
                minorVersion: head.minorVersion, status: head.status, reason: head.reason, fields: head.fields, body: body,
                framing: framing, time: begin.duration(to: .now))
        }
    }

    /// Whether the server has closed the connection and sent nothing more, after waiting for it.
    package func isClosed(within limit: Duration) -> Bool {
        guard start == buffer.count else { return false }
        do throws(ClientSocket.Failure) {
            return try socket.receive(into: &chunk, until: .now.advanced(by: limit)) == 0
        } catch {
            if case .failed = error { return true }
            return false
        }
    }

    /// Whether more bytes follow the last response, after waiting for them.
    package func sendsMore(within limit: Duration) -> Bool {
        if hasMore { return true }
        do throws(WireFailure) {
            return try receive(until: .now.advanced(by: limit), "nothing")
        } catch {
            return false
        }
    }

    /// Bytes that came after the last response.
    package var hasMore: Bool { start < buffer.count }

    private func head(until deadline: ContinuousClock.Instant, _ limit: Duration) throws(WireFailure) -> ResponseHead {
        var searched = start
        while true {
            if let end = ResponseHead.end(in: buffer, from: start, searched: searched) {
                let head = try ResponseHead(buffer[start..<end])
                start = end
                return head
            }
            let size = buffer.count - start
            guard size <= Self.longestHead else { throw .tooLong("a head of more than \(Self.longestHead) bytes") }
            searched = max(start, buffer.count - 3)
            let missing = size == 0 ? "no response" : "an incomplete head"
            guard try receive(until: deadline, "\(missing) after \(Self.shown(limit))") else { throw .ended(missing) }
        }
    }

    private func body(
        of head: ResponseHead, until deadline: ContinuousClock.Instant, _ limit: Duration, mostBytes: Int
    ) throws(WireFailure) -> ([UInt8], WireResponse.Framing) {
        func late() -> String { "an incomplete body after \(Self.shown(limit))" }
        switch try head.length {
        case .bytes(let length):
            guard length <= mostBytes else { throw .tooLong("a body of \(length) bytes; the limit is \(mostBytes)") }
            while buffer.count - start < length {
                guard try receive(until: deadline, late()) else {
                    throw .ended("\(buffer.count - start) of \(length) bytes of the body")
                }
            }
            return (take(length), .length)
        case .chunked: return (try chunks(until: deadline, late(), mostBytes: mostBytes), .chunked)
        case .untilClose:
            repeat {
                guard buffer.count - start <= mostBytes else { throw .tooLong("a body of more than \(mostBytes) bytes") }
            } while try receive(until: deadline, late())
            return (take(buffer.count - start), .close)
        }
    }

    /// A body in chunks (RFC 9112 §7.1), with its trailer.
    private func chunks(
        until deadline: ContinuousClock.Instant, _ late: String, mostBytes: Int
    ) throws(WireFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try line(until: deadline, late)
            let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
                throw .malformed("invalid size of a chunk")
            }
            guard size > 0 else { break }
            guard size <= mostBytes - body.count else { throw .tooLong("a body of more than \(mostBytes) bytes") }
            while buffer.count - start < size + 2 {
                guard try receive(until: deadline, late) else { throw .ended("an incomplete chunk") }
            }
            body += take(size)
            guard take(2) == Array("\r\n".utf8) else { throw .malformed("a chunk of another size than its head says") }
        }
        var count = 0
        while try !line(until: deadline, late).isEmpty {
            count += 1
            guard count <= RecordingLimits.fields else { throw .tooLong("a trailer of more than \(count - 1) fields") }
        }
        return body
    }

    private func line(until deadline: ContinuousClock.Instant, _ late: String) throws(WireFailure) -> ArraySlice<UInt8> {
        while true {
            if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                let line = buffer[start..<end]
                return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            }
            guard buffer.count - start <= RecordingLimits.value else { throw .tooLong("a line of a chunk") }
            guard try receive(until: deadline, late) else { throw .ended("an incomplete chunk") }
        }
    }

    // MARK: Bytes

    private func take(_ count: Int) -> [UInt8] {
        defer {
            start += count
            if start == buffer.count {
                buffer.removeAll(keepingCapacity: true)
                start = 0
            }
        }
        return Array(buffer[start..<start + count])
    }

    /// Appends what comes next; `false` where the server sends no more.
    private func receive(until deadline: ContinuousClock.Instant, _ late: @autoclosure () -> String) throws(WireFailure) -> Bool {
        do throws(ClientSocket.Failure) {
            let count = try socket.receive(into: &chunk, until: deadline)
            buffer += chunk[..<count]
            return count > 0
        } catch {
            throw Self.failure(error, late())
        }
    }

    private static func failure(_ failure: ClientSocket.Failure, _ late: String) -> WireFailure {
        switch failure {
        case .timedOut: .timedOut(late)
        case .failed(let error): .notConnected(error.message)
        }
    }

    static func shown(_ limit: Duration) -> String { Age.text(limit / .seconds(1)) }
}
