import NIOCore
import NIOHTTP1
import NIOPosix

/// SwiftNIO's server for HTTP/1 with one handler, which writes one ready buffer: what a server on NIO costs at least.
@main struct BareNIO {
    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let port = Int(words[2]) else { fatalError("usage: BareNIO ADDRESS PORT BODY") }
        let reply = ByteBuffer(
            string: "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: \(words[3].utf8.count)\r\n")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
                    try pipeline.addHandler(Handler(head: reply, body: words[3]))
                }
            }
            .bind(host: words[1], port: port).wait()
        try server.closeFuture.wait()
    }
}

final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private var (open, closing): (ByteBuffer, ByteBuffer)
    private var keepsAlive = true

    init(head: ByteBuffer, body: String) {
        (open, closing) = (head, head)
        open.writeString("\r\n" + body)
        closing.writeString("Connection: close\r\n\r\n" + body)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): keepsAlive = head.isKeepAlive
        case .body: break
        case .end:
            if keepsAlive {
                context.writeAndFlush(wrapOutboundOut(open), promise: nil)
            } else {
                context.writeAndFlush(wrapOutboundOut(closing), promise: nil)
                context.close(promise: nil)
            }
        }
    }
}
