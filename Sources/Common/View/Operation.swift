/// What a path is for that is not read: no listing shows it.
public enum Operation: Sendable {
    /// Begins a session: a `PUT` is answered with a token for the requests that follow.
    case issueToken
}
