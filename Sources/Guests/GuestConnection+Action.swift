extension GuestConnection {
    /// What the handler is to do.
    package enum Action: Equatable {
        case nothing
        /// Send `100 Continue`: the guest waits with the body that it has announced.
        case sendContinue
        /// The request is complete: answer it.
        case answer
        /// Try to answer the held request again.
        case retry
        /// The request's effect takes too long: answer 503.
        case answerUnavailable
        /// Take the next waiting part: see ``GuestConnection/next()``.
        case handleWaiting
        /// Refuse an incomplete request, then close.
        case refuse(Refusal, toHead: Bool)
        /// Write the remaining bytes, then close: see ``GuestConnection/lastBytesLeft()``.
        case finish
        case close
        /// Close the server's half alone.
        case closeOutput
        /// Close at once, and drop unsent bytes.
        case abort
        /// The guest has met a limit.
        case report(ConnectionLimits.Exceeded)
        /// The guest has met a limit, and the connection is closed.
        case drop(ConnectionLimits.Exceeded)
    }

    /// Why bytes that are no complete request are refused.
    package enum Refusal: Equatable {
        case badRequest, requestTimeout, payloadTooLarge, headersTooLarge, unavailable
    }
}
