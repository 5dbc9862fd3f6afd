import Common
package import Logging
package import NIOCore

/// Pauses accept(2) for a moment when it fails: connections wait in the kernel's queue until the next attempt.
///
/// Without the pause the event loop would retry at once and do nothing else. NIO's `AcceptBackoffHandler` holds back explicit
/// reads only; where nothing was accepted none is issued, and the socket stays ready.
final class AcceptFailures: ChannelInboundHandler {
    typealias InboundIn = any Channel

    static let pause = TimeAmount.milliseconds(100)

    private let onFailure: @Sendable (IOError) -> Void

    init(_ onFailure: @escaping @Sendable (IOError) -> Void) { self.onFailure = onFailure }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let failure = error as? IOError else { return context.fireErrorCaught(error) }
        onFailure(failure)
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            // The channel may have been closed meanwhile; then there is nothing to read.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}

/// Logs that connections cannot be accepted, and why: at most once a minute.
package final class AcceptLog: Sendable {
    private let logger: Logger
    private let throttle: LogThrottle<CInt, Bool>

    package init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        throttle = LogThrottle(now: now)
    }

    package func note(_ failure: IOError) {
        guard throttle.number(of: true, about: failure.errnoCode) > 0 else { return }
        logger.warning(
            "new connections must wait",
            metadata: [
                "reason": "\(KernelError(.init(rawValue: failure.errnoCode), in: "accept"))",
                "hint": "where there are too many files: raise LimitNOFILE, or lower --connections",
            ])
    }
}
