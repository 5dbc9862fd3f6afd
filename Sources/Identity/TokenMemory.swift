package import Common
import Crypto

/// The last valid token of each instance, so that a session's second request costs a comparison and not a code.
///
/// It holds only tokens that were presented and found valid, one for each instance, and at most ``most`` of them: a guest that
/// requests tokens without end takes no more memory than others.
package final class TokenMemory: Sendable {
    private struct Session {
        /// Its bytes: texts would be compared by Unicode equivalence, and only up to the first difference.
        let token: [UInt8]
        let expiry: Int64
    }

    /// How many instances are remembered; beyond that all are dropped, and the code is made again for each.
    private static let most = 4096

    private struct Sessions {
        var byInstance: [InstanceUUID: Session] = [:]
        /// When to drop expired sessions.
        var limit = TableLimit(fewest: 64, most: TokenMemory.most)
    }

    private let sessions = Locked(Sessions())

    package init() {}

    /// Whether a text is the instance's last valid token, and has not expired.
    ///
    /// - Parameter now: the time, in seconds since 1970, of a clock that never goes back.
    package func knows(_ text: String, of instance: InstanceUUID, at now: Int64) -> Bool {
        guard let session = sessions.withLock({ $0.byInstance[instance] }) else { return false }
        return KeyedHash.areSame(session.token.span, text.utf8.span) && now < session.expiry
    }

    /// Remembers a valid token.
    ///
    /// - Parameters:
    ///   - expiry: when it ends, in seconds since 1970.
    ///   - now: the time, by the clock that `knows` uses.
    package func remember(_ text: String, of instance: InstanceUUID, until expiry: Int64, at now: Int64) {
        sessions.withLock { sessions in
            if sessions.byInstance[instance] == nil {
                sessions.limit.tidy(&sessions.byInstance) { now < $1.expiry }
                if sessions.byInstance.count >= Self.most { sessions.byInstance = [:] }
            }
            sessions.byInstance[instance] = Session(token: Array(text.utf8), expiry: expiry)
        }
    }

    /// How many instances have a remembered session.
    var remembered: Int { sessions.withLock { $0.byInstance.count } }
}
