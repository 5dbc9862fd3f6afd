import Common
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport

@testable import Guests

/// A real HTTP server on a port of 127.0.0.1 whose paths are vendor data targets of every kind; it records its requests.
final class VendorDataService: Sendable {
    struct Request: Sendable {
        let head: HTTPRequestHead
        let body: String
    }

    private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let channel: any Channel
    private let seen: Seen

    private final class Seen: Sendable {
        let requests = Locked<[Request]>([])
        /// How many requests are open now, and the most that were open at one time.
        let open = Locked((now: 0, most: 0))
    }

    static func run<Value>(_ body: (VendorDataService) async throws -> Value) async throws -> Value {
        let seen = Seen()
        let channel = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(VendorDataService(channel, seen)))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    private init(_ channel: any Channel, _ seen: Seen) {
        (self.channel, self.seen) = (channel, seen)
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var requests: [Request] { seen.requests.withLock { $0 } }

    var mostAtOnce: Int { seen.open.withLock { $0.most } }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let seen: Seen
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ seen: Seen) { self.seen = seen }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, "")
            case .body(let bytes): body += String(buffer: bytes)
            case .end:
                guard let head else { return }
                seen.requests.withLock { $0.append(Request(head: head, body: body)) }
                answer(head, context)
            }
        }

        private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
            let number = seen.requests.withLock { $0.count }
            switch head.uri.split(separator: "/").last {
            case "good": send(.ok, #"{"role": "w\u00e9b", "n": [1, 2.5, null]}"#, context)
            case "quarter": send(.ok, "\"" + String(repeating: "x", count: 240 << 10) + "\"", context)
            case "count": send(.ok, "\(number)", context)
            case "slow":
                seen.open.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(300)) {
                    self.seen.open.withLock { $0.now -= 1 }
                    self.send(.ok, "\(number)", context)
                }
            case "nothing": send(.noContent, nil, context)
            case "empty": send(.ok, "", context)
            case "error": send(.internalServerError, #"{"a": 1}"#, context)
            case "redirect": send(.found, "", context)
            case "garbage": send(.ok, "#cloud-config", context)
            case "large": send(.ok, "\"" + String(repeating: "x", count: 10 << 20) + "\"", context)
            case "stall":
                send(.ok, nil, context, length: 10, ends: false)
            case "trickle":
                send(.ok, nil, context, length: 1000, ends: false)
                trickle(context)
            case "hang": break
            default: send(.notFound, "", context)
            }
        }

        /// Sends a byte every now and then, for much longer than any client waits.
        private func trickle(_ context: ChannelHandlerContext) {
            guard context.channel.isActive else { return }
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "1")))), promise: nil)
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) { self.trickle(context) }
        }

        private func send(
            _ status: HTTPResponseStatus, _ text: String?, _ context: ChannelHandlerContext, length: Int? = nil, ends: Bool = true
        ) {
            var headers: HTTPHeaders = [:]
            if let length = length ?? text?.utf8.count { headers.add(name: "Content-Length", value: "\(length)") }
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
            if let text { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil) }
            if ends { context.write(wrapOutboundOut(.end(nil)), promise: nil) }
            context.flush()
        }

        // A client closes early while the service still sends.
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
