/// What a path is for besides being read.
public enum Operation: Sendable {
    /// Begins a session: a `PUT` is answered with a token for the requests that follow. There is nothing to read, and no listing
    /// shows it.
    case issueToken
    /// Leaves a password for the operator, once: it is the body of a `POST`. What was left is read at the same path.
    case storePassword
}
