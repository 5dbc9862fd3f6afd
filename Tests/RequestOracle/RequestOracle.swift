import NIOCore
import NIOEmbedded
package import NIOHTTP1

@testable package import Guests

/// Compares what our parser and NIO's decoder, which is llhttp's, read in the same bytes.
///
/// Ours may refuse what NIO's accepts only where ``isRefusedByRule(_:)`` says so, and never accepts what NIO's refuses.
package enum RequestOracle {
    /// Larger than any input: the two count the bytes of a head differently when it is incomplete.
    private static let limits = RequestParser.Limits(bytes: 1 << 20, fields: 1 << 16)

    /// What was read, in order; bodies are joined.
    package enum Part: Equatable {
        case head(String)
        case body([UInt8])
        case end
        case trouble
    }

    /// The first difference in words; `nil` if there is none.
    ///
    /// - Parameter size: of the pieces in which the bytes arrive.
    package static func difference(of bytes: [UInt8], inPiecesOf size: Int) -> String? {
        let (ours, theirs) = (ours(bytes, inPiecesOf: size), theirs(bytes, inPiecesOf: size))
        guard ours != theirs else { return nil }
        if ours.last == .trouble, isRefusedByRule(bytes), begins(theirs, with: ours.dropLast()) { return nil }
        // The one thing that only ours accepts: a tab after a length, as after every other value (RFC 9110 §5.5).
        if theirs.last == .trouble, String(decoding: bytes, as: UTF8.self).contains("\t\r\n") { return nil }
        return "ours: \(ours), NIO's: \(theirs)"
    }

    /// Whether the parts begin so, the last of these perhaps with only the beginning of a body.
    private static func begins(_ parts: [Part], with first: ArraySlice<Part>) -> Bool {
        guard case .body(let bytes)? = first.last, parts.count >= first.count, case .body(let all) = parts[first.count - 1] else {
            return parts.starts(with: first)
        }
        return parts.starts(with: first.dropLast()) && all.starts(with: bytes)
    }

    /// Whether a rule of ours that NIO's decoder does not have may refuse these bytes.
    private static func isRefusedByRule(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        // Codings besides `chunked`, several fields of them, and chunks larger than any body.
        if text.contains("transfer-encoding") { return true }
        // Other protocols of which llhttp is a parser too.
        if text.contains("rtsp/") || text.contains("ice/") { return true }
        // An authority with two users, or a path.
        if text.contains("@") || text.contains("connect ") { return true }
        // A line of a chunk's extensions has a bound.
        return bytes.count > 256 && text.contains(";")
    }

    /// What our parser reads.
    package static func ours(_ bytes: [UInt8], inPiecesOf size: Int) -> [Part] {
        var (parser, parts) = (RequestParser(limits: limits), Parts())
        var (rest, unparsed): (ArraySlice<UInt8>, [UInt8]) = (bytes[...], [])
        while !rest.isEmpty {
            unparsed += rest.prefix(size)
            rest = rest.dropFirst(size)
            var offset = 0
            while let event = parser.next(in: unparsed.span, from: &offset, keptBody: { _, _ in 0 }) {
                switch event {
                case .head(let request): parts.add(.head(description(of: request)))
                case .body(let part): parts.add(.body(Array(unparsed[part])))
                case .end: parts.add(.end)
                case .trouble: parts.add(.trouble)
                }
            }
            unparsed.removeFirst(offset)
        }
        if parts.list.last != .trouble, parser.isInRequest || !unparsed.isEmpty { parts.add(.trouble) }
        return parts.list
    }

    /// What NIO's decoder reads.
    package static func theirs(_ bytes: [UInt8], inPiecesOf size: Int) -> [Part] {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.bytes
        configuration.maxHeaderListSize = limits.bytes
        configuration.maxHeaderFieldCount = limits.fields
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: configuration)
        let collector = Collector()
        let channel = EmbeddedChannel(handlers: [ByteToMessageHandler(decoder), collector])
        var rest = bytes[...]
        while !rest.isEmpty, collector.isOpen {
            channel.pipeline.fireChannelRead(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        if collector.isOpen { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return collector.parts.list
    }

    /// All that a reply may depend on.
    package static func description(of request: GuestRequest) -> String {
        // NIO's name for a method has no hyphen.
        "\(request.method == .MSEARCH ? "M-SEARCH" : request.method.rawValue) \(request.target) \(request.isHTTP10) \(request.keepsAlive) \(request.contentLength) "
            + "\(request.hasBodyLength) \(request.fields)"
    }

    /// A request that NIO has read, as ours.
    package static func request(_ head: HTTPRequestHead, keptBody: GuestRequest.KeptBody = { _, _ in 0 }) -> GuestRequest {
        var (fields, framing) = (GuestRequest.Fields(), MessageFraming())
        for (name, value) in head.headers {
            let (name, value) = (Array(name.utf8), Array(value.utf8))
            let trimmed = value.span.extracting(value.span.withoutBlanks)
            _ = framing.add(name.span, trimmed)
            fields.add(name.span, trimmed)
        }
        let line = RequestLine(method: head.method, target: head.uri, isHTTP10: head.version.minor == 0)
        return GuestRequest(line, framing, fields, keptBody: keptBody)
    }

    private struct Parts {
        private(set) var list: [Part] = []

        mutating func add(_ part: Part) {
            if case .body(let more) = part, case .body(let bytes)? = list.last {
                list[list.count - 1] = .body(bytes + more)
            } else {
                list.append(part)
            }
        }
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private(set) var parts = Parts()
        /// Nothing is compared after the last request, nor after trouble: the connection ends.
        private(set) var isOpen = true
        private var isLast = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard isOpen else { return }
            switch unwrapInboundIn(data) {
            case .head(let head):
                let request = RequestOracle.request(head)
                // By NIO's own word, so that ours is compared with it.
                isLast = !head.isKeepAlive || head.headers.contains(name: "Upgrade") || head.method == .CONNECT
                parts.add(.head(RequestOracle.description(of: request)))
            case .body(let bytes): parts.add(.body(Array(bytes.readableBytesView)))
            case .end:
                parts.add(.end)
                isOpen = !isLast
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            guard isOpen else { return }
            isOpen = false
            parts.add(.trouble)
        }
    }
}
