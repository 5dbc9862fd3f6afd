package import Common
import Glibc
package import NIOHTTP1

/// Parses the requests of one connection (HTTP/1.1, RFC 9112), line by line, as their bytes arrive.
///
/// Stricter than the RFC allows where programs on the way might read the same bytes differently: every line ends with CR LF, no
/// field continues on a further line, `chunked` is the only transfer coding, and no request has two lengths.
package struct RequestParser {
    /// How large a head may be. Trailers count as part of it.
    package struct Limits: Sendable {
        /// How many fields a head may have; each costs some hundred bytes besides its own. Browsers send some twenty.
        private static let mostFields = 64

        /// The bytes of target, names and values together.
        var bytes: Int
        var fields: Int

        init(bytes: Int, fields: Int) { (self.bytes, self.fields) = (bytes, fields) }

        package init(_ limits: GuestLimits) { self.init(bytes: limits.requestHeadBytes, fields: Self.mostFields) }
    }

    /// What the bytes contain next.
    package enum Event {
        case head(GuestRequest)
        /// A part of the body: these of the bytes.
        case body(Range<Int>)
        case end
        /// They are no request; nothing after them is parsed.
        case trouble(GuestConnection.Refusal)
    }

    private enum Phase {
        case requestLine, fields
        case body(left: Int)
        case chunkSize
        case chunk(left: Int)
        /// The line end after the bytes of a chunk.
        case chunkEnd
        case trailers
        /// All of the request is parsed.
        case complete
        /// Nothing more is parsed.
        case ended
    }

    /// The longest line with the size of a chunk and its extensions, which are ignored, in bytes.
    private static let longestChunkLine = 256

    private let limits: Limits
    private var phase = Phase.requestLine
    private var line = RequestLine()
    private var framing = MessageFraming()
    private var fields = GuestRequest.Fields()
    /// How many bytes of the head are parsed: those of target, names and values.
    package private(set) var headBytes = 0
    private var fieldCount = 0
    /// Whether nothing may follow the request.
    private var isLast = false

    package init(limits: Limits) { self.limits = limits }

    /// Whether a request has begun and not ended, leaving aside an incomplete first line.
    package var isInRequest: Bool {
        switch phase {
        case .requestLine, .ended: false
        case .fields, .body, .chunkSize, .chunk, .chunkEnd, .trailers, .complete: true
        }
    }

    /// Takes the next event from the bytes.
    ///
    /// - Parameters:
    ///   - bytes: those that are not parsed yet begin at `offset`.
    ///   - offset: moves forward by what was parsed; what is left must be passed again, with more.
    ///   - keptBody: says how many bytes are kept of the body of a request, by its method and path.
    /// - Returns: `nil` where more bytes are needed.
    package mutating func next(
        in bytes: Span<UInt8>, from offset: inout Int, keptBody: (HTTPMethod, TreePath?) -> Int
    ) -> Event? {
        while true {
            switch phase {
            case .complete:
                startOver()
                return .end
            case .ended:
                offset = bytes.count
                return nil
            case .body(let left), .chunk(let left):
                guard offset < bytes.count else { return nil }
                let part = offset..<offset + min(left, bytes.count - offset)
                offset = part.upperBound
                continueBody(after: part.count)
                return .body(part)
            case .requestLine:
                // Line ends before a request are ignored (RFC 9112 §2.2).
                while offset < bytes.count, bytes[offset] == .cr || bytes[offset] == .lf { offset += 1 }
            case .fields, .chunkSize, .chunkEnd, .trailers: break
            }
            guard let end = bytes.index(of: .lf, from: offset) else { return refusal(ofIncomplete: bytes.extracting(offset...)) }
            guard end > offset, bytes[end - 1] == .cr else { return refuse(.badRequest) }
            let line = bytes.extracting(offset..<end - 1)
            offset = end + 1
            if let event = take(line, keptBody) { return event }
        }
    }

    /// The next request begins, unless this was the connection's last.
    private mutating func startOver() {
        phase = isLast ? .ended : .requestLine
        (headBytes, fieldCount) = (0, 0)
    }

    private mutating func refuse(_ refusal: GuestConnection.Refusal) -> Event {
        phase = .ended
        return .trouble(refusal)
    }

    private mutating func continueBody(after count: Int) {
        switch phase {
        case .body(let left): phase = left == count ? .complete : .body(left: left - count)
        case .chunk(let left): phase = left == count ? .chunkEnd : .chunk(left: left - count)
        case .requestLine, .fields, .chunkSize, .chunkEnd, .trailers, .complete, .ended: break
        }
    }

    // MARK: Lines

    /// - Parameter line: without its end.
    private mutating func take(_ line: Span<UInt8>, _ keptBody: GuestRequest.KeptBody) -> Event? {
        switch phase {
        case .requestLine:
            guard let read = RequestLine(line) else { return refuse(.badRequest) }
            guard count(read.target.utf8.count) else { return refuse(.headersTooLarge) }
            self.line = read
            (framing, fields, phase) = (MessageFraming(), GuestRequest.Fields(), .fields)
        case .fields:
            guard line.isEmpty else { return takeField(line) }
            return endHead(keptBody)
        case .trailers:
            guard line.isEmpty else { return takeField(line) }
            phase = .complete
        case .chunkSize:
            guard line.count <= Self.longestChunkLine, let size = ChunkLine.size(line) else { return refuse(.badRequest) }
            phase = size == 0 ? .trailers : .chunk(left: size)
        case .chunkEnd:
            guard line.isEmpty else { return refuse(.badRequest) }
            phase = .chunkSize
        case .body, .chunk, .complete, .ended: break
        }
        return nil
    }

    private mutating func takeField(_ line: Span<UInt8>) -> Event? {
        guard let colon = line.endOfFieldName else { return refuse(.badRequest) }
        let name = line.extracting(..<colon)
        let value = line.extracting(line.withoutBlanks(in: colon + 1..<line.count))
        guard value.isFieldValue else { return refuse(.badRequest) }
        fieldCount += 1
        guard fieldCount <= limits.fields, count(name.count + value.count) else { return refuse(.headersTooLarge) }
        guard case .fields = phase else {
            // Trailers change nothing about a request, and some fields none may claim to change (RFC 9110 §6.5.1).
            return MessageFraming.Field(name) == nil ? nil : refuse(.badRequest)
        }
        guard framing.add(name, value) else { return refuse(.badRequest) }
        fields.add(name, value)
        return nil
    }

    /// Whether so many more bytes of the head are allowed.
    private mutating func count(_ bytes: Int) -> Bool {
        headBytes += bytes
        return headBytes <= limits.bytes
    }

    private mutating func endHead(_ keptBody: GuestRequest.KeptBody) -> Event? {
        switch line.method == .CONNECT ? .none : framing.body {
        case .none: phase = .complete
        case .length(let count): phase = count == 0 ? .complete : .body(left: count)
        case .chunked: phase = .chunkSize
        }
        let request = GuestRequest(line, framing, fields, keptBody: keptBody)
        isLast = !request.keepsAlive
        return .head(request)
    }

    /// What an incomplete line is refused for, if it can become none that is accepted.
    private mutating func refusal(ofIncomplete rest: Span<UInt8>) -> Event? {
        switch phase {
        case .requestLine:
            guard RequestLine.canBegin(with: rest) else { return refuse(.badRequest) }
            return rest.count > limits.bytes ? refuse(.headersTooLarge) : nil
        case .fields, .trailers: return headBytes + rest.count > limits.bytes ? refuse(.headersTooLarge) : nil
        case .chunkSize: return rest.count > Self.longestChunkLine ? refuse(.badRequest) : nil
        case .chunkEnd: return rest.isEmpty || rest.count == 1 && rest[0] == .cr ? nil : refuse(.badRequest)
        case .body, .chunk, .complete, .ended: return nil
        }
    }
}
