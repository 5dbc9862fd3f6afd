import Kernel
import Logging
import NIOCore

/// Leaves accept(2) alone for a moment when it fails: connections wait in the kernel's queue until it is tried again.
///
/// Else the event loop would try again at once, and do nothing else. NIO's `AcceptBackoffHandler` holds back reads that are asked for,
/// but where nothing was accepted none is, and the socket is still ready.
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
            // It may be closed meanwhile, and then there is nothing to read.
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }
}

/// Tells the operator that connections cannot be accepted, and why: once a minute.
final class AcceptLog: Sendable {
    private let logger: Logger
    private let novelty: Novelty<CInt, Bool>

    /// - Parameter now: the clock to go by.
    init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        novelty = Novelty(now: now)
    }

    func note(_ failure: IOError) {
        guard novelty.number(of: true, about: failure.errnoCode) > 0 else { return }
        logger.warning(
            "new connections must wait",
            metadata: [
                "reason": "\(KernelError(.init(rawValue: failure.errnoCode), in: "accept"))",
                "hint": "where there are too many files: raise LimitNOFILE, or lower --connections",
            ])
    }
}
