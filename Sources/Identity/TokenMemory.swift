public import Common

/// The last good token of each instance, so that a session's second request costs a comparison and not a code.
///
/// Only a token that was presented and found good is here, one for each instance, and not for more than ``most`` of them: whoever asks
/// for tokens without end is remembered no more than others.
public final class TokenMemory: Sendable {
    private struct Session {
        let token: String
        let expiry: Int64
    }

    /// How many instances are remembered; then all are forgotten, and a code is made again for each.
    private static let most = 4096

    private struct Sessions {
        var byInstance: [InstanceUUID: Session] = [:]
        /// When those are forgotten that have ended.
        var limit = TableLimit(fewest: 64, most: TokenMemory.most)
    }

    private let sessions = Locked(Sessions())

    /// A memory of nothing.
    public init() {}

    /// Whether a text is the token of an instance that was last found good, and has not expired.
    ///
    /// - Parameter now: the time, in seconds since 1970, of a clock that never goes back.
    public func knows(_ text: String, of instance: InstanceUUID, at now: Int64) -> Bool {
        guard let session = sessions.withLock({ $0.byInstance[instance] }) else { return false }
        return session.token == text && now < session.expiry
    }

    /// Remembers a token that was found good.
    ///
    /// - Parameters:
    ///   - expiry: when it ends, in seconds since 1970.
    ///   - now: the time, by the clock that `knows` goes by.
    public func remember(_ text: String, of instance: InstanceUUID, until expiry: Int64, at now: Int64) {
        sessions.withLock { sessions in
            if sessions.byInstance[instance] == nil {
                sessions.limit.tidy(&sessions.byInstance) { now < $1.expiry }
                if sessions.byInstance.count >= Self.most { sessions.byInstance = [:] }
            }
            sessions.byInstance[instance] = Session(token: text, expiry: expiry)
        }
    }

    /// Of how many instances a session is remembered.
    var remembered: Int { sessions.withLock { $0.byInstance.count } }
}
