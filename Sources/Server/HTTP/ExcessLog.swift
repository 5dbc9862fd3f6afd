import Logging

/// Tells the operator of guests that ask for more than one may: each once for the same limit, and then again after some time.
final class ExcessLog: Sendable {
    private let logger: Logger
    private let novelty: Novelty<Census.Caller, Census.Excess>

    /// - Parameter now: the clock to go by.
    init(logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.logger = logger
        novelty = Novelty(now: now)
    }

    func note(_ caller: Census.Caller, _ excess: Census.Excess) {
        guard novelty.number(of: excess, about: caller) > 0 else { return }
        let (what, option): (Logger.Message, String) =
            switch excess {
            case .connections: ("a guest opens too many connections; the others are closed", "--connections-per-caller")
            case .heldRequests:
                ("a guest has too many requests that wait for its domain; the others get 404", "--held-requests-per-caller")
            case .requests: ("a guest asks too much; it gets 429", "--requests-per-second, --bytes-per-second")
            }
        logger.notice(what, metadata: ["caller": "\(caller)", "option": "\(option)"])
    }
}
