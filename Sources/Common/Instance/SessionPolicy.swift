/// The operator's policy for the metadata sessions of one instance; `nil` means the server's configuration.
package struct SessionPolicy: Sendable, Equatable {
    /// Whether a request needs a session token.
    package enum Tokens: String, Sendable, CaseIterable {
        case optional, required
    }

    package var tokens: Tokens?
    /// IP TTL of token responses, from 1 to 64; 1 keeps tokens from being routed beyond the guest.
    package var hopLimit: Int?

    package init() {}
}
