package import Common
import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// Where an emulator is controlled: a Unix socket, or a port of the loopback interface.
package enum ControlAddress: Sendable, Equatable {
    case unix(String)
    case loopback(IPAddress, port: Int)

    private static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { AddressRange($0) }

    /// Parses `127.0.0.1:0`, `[::1]:8080` or the path of a socket.
    ///
    /// - Throws: ``EmulatorError`` for any other text, and for an address that other machines reach: whoever reaches it changes what the
    ///   emulator's clients are told.
    package init(_ text: String) throws(EmulatorError) {
        let expected = "expected 127.0.0.1:PORT, [::1]:PORT or the path of a Unix socket such as ./control.sock"
        if text.contains("/") {
            // The address of a socket has so much space (unix(7)).
            guard text.utf8.count < 108, !text.utf8.contains(0) else {
                throw EmulatorError("the socket's path '\(text.cleaned())' is too long: expected at most 107 bytes")
            }
            self = .unix(text)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw EmulatorError("invalid value '\(text.cleaned())': \(expected)")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)) else { throw EmulatorError("invalid value '\(text.cleaned())': \(expected)") }
        guard Self.loopback.contains(where: { $0.contains(address) }) else {
            throw EmulatorError("'\(text.cleaned())' is not a loopback address: \(expected)")
        }
        self = .loopback(address, port: Int(port))
    }

    /// As it is written on the command line.
    var text: String {
        switch self {
        case .unix(let path): path
        case .loopback(let address, let port): address.family == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
        }
    }

    /// What to do where it is in use.
    var remedy: String {
        switch self {
        case .unix: "choose another path"
        case .loopback(let address, _):
            "choose another port, or \(address.family == .v6 ? "[\(address)]" : "\(address)"):0 for a free one"
        }
    }
}

/// The control socket of an emulator. It has a thread of its own, so that a request that steps the clock can wait for the connections.
package final class ControlListener: Sendable {
    private static let idle = TimeAmount.seconds(30)
    /// How many connections may be open; a test needs one.
    static let mostConnections = 64

    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let file: String?

    /// Listens from now on.
    ///
    /// - Throws: ``EmulatorError`` where the address or the path is in use, or cannot be used.
    package init(on address: ControlAddress, _ responder: ControlResponder) throws(EmulatorError) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let open = ConnectionCount()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 16)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard open.enter() else { throw ChannelError.connectTimeout(.zero) }
                    channel.closeFuture.whenComplete { _ in open.leave() }
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
                    try pipeline.addHandler(IdleStateHandler(allTimeout: Self.idle))
                    try pipeline.addHandler(ControlConnection(responder))
                }
            }
        do {
            switch address {
            case .loopback(let ip, let port):
                file = nil
                channel = try bootstrap.bind(to: SocketAddress(ipAddress: ip.description, port: port)).wait()
            case .unix(let path):
                file = path
                // Only the owner may connect (unix(7): the inode gets the mode of the process).
                let mask = umask(0o177)
                defer { umask(mask) }
                channel = try bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: Self.isAbandoned(path)).wait()
            }
        } catch {
            try? group.syncShutdownGracefully()
            let code = (error as? IOError)?.errnoCode
            let cause = code.map { KernelError(KernelError.Code(rawValue: $0), in: "bind").message } ?? "\(error)"
            let remedy = code == EADDRINUSE ? "; \(address.remedy)" : ""
            throw EmulatorError("--control: cannot listen on \(address.text.cleaned()): \(cause)\(remedy)")
        }
    }

    /// Whether a socket's file is left over from a process that was killed: nobody answers.
    private static func isAbandoned(_ path: String) -> Bool {
        let group = MultiThreadedEventLoopGroup.singleton
        guard FileManager.default.fileExists(atPath: path) else { return false }
        guard let channel = try? ClientBootstrap(group: group).connect(unixDomainSocketPath: path).wait() else { return true }
        try? channel.close().wait()
        return false
    }

    /// Its URL, without a final slash; `unix:` and the absolute path for a Unix socket: who reads it may be in another directory.
    package var url: String {
        if let file { return "unix:\(Self.absolute(file))" }
        guard let address = channel.localAddress, let ip = address.ipAddress, let port = address.port else { return "" }
        return ip.contains(":") ? "http://[\(ip)]:\(port)" : "http://\(ip):\(port)"
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        let folder = FileManager.default.currentDirectoryPath
        return (folder.hasSuffix("/") ? folder : folder + "/") + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    }

    /// Listens no more, and removes the socket's file.
    package func close() {
        try? channel.close().wait()
        if let file { try? FileManager.default.removeItem(atPath: file) }
        try? group.syncShutdownGracefully()
    }
}

/// The number of open connections, which one thread counts.
private final class ConnectionCount: Sendable {
    private let open = Locked(0)

    /// Whether one more may be open.
    func enter() -> Bool {
        open.withLock { open in
            guard open < ControlListener.mostConnections else { return false }
            open += 1
            return true
        }
    }

    func leave() { open.withLock { $0 -= 1 } }
}

/// One connection of a test: requests and their replies, one after the other.
private final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Fields that browsers send: Origin to another host than the page's, the other always.
    private static let pageFields = ["Origin", "Sec-Fetch-Site"]

    private let responder: ControlResponder
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ responder: ControlResponder) { self.responder = responder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        // One byte more than is accepted shows that the body is too long.
        case .body(let bytes): body += bytes.readableBytesView.prefix(ControlResponder.mostBytes + 1 - body.count)
        case .end:
            guard let head = head.take() else { return }
            let request = ControlRequest(
                method: head.method.rawValue, target: head.uri,
                hasOrigin: Self.pageFields.contains { head.headers.contains(name: $0) }, body: body)
            body = []
            send(responder.respond(to: request), to: head, context)
        }
    }

    private func send(_ reply: ControlReply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(reply.body.count)"]
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: reply.status)
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            if !head.isKeepAlive { bound.value.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
