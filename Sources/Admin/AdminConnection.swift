import NIOCore
import NIOHTTP1

/// One connection of an operator's program: one request and its reply.
final class AdminConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let responder: AdminResponder
    private let scope: AdminResponder.Scope
    private var head: HTTPRequestHead?

    init(_ responder: AdminResponder, within scope: AdminResponder.Scope) {
        (self.responder, self.scope) = (responder, scope)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head = head.take() else { return }
            answer(head, context)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard head.method == .GET || head.method == .HEAD else {
            return send(.failure(.methodNotAllowed, "expected GET or HEAD"), to: head, context)
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        responder.respond(to: head.uri, within: scope, on: context.eventLoop).whenSuccess { reply in
            let (connection, context) = bound.value
            connection.send(reply, to: head, context)
        }
    }

    private func send(_ reply: AdminReply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let headers: HTTPHeaders = [
            "Content-Type": reply.type, "Content-Length": "\(reply.bytes.count)", "Connection": "close",
        ]
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: reply.status, headers: headers))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.bytes)))), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
