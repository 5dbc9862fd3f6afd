/// What an instance's operator says of the sessions in which its metadata is read; what is `nil`, the configuration says.
public struct SessionPolicy: Sendable, Equatable {
    /// Whether a request must bear a session token.
    public enum Tokens: String, Sendable, CaseIterable {
        case optional, required
    }

    /// Whether a request must bear a session token.
    public var tokens: Tokens?
    /// How many hops the answer that brings a token may go, from 1 to 64, so that it does not leave the guest.
    public var hopLimit: Int?

    /// Nothing said, until a property is set.
    public init() {}
}
