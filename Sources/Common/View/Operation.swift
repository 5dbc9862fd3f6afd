/// What is to be done at a path besides reading it.
public enum Operation: Sendable {
    /// Begins a session: a `PUT` is answered with a token for the requests that follow. There is nothing to read, and no listing
    /// shows it.
    case issueToken
    /// Leaves a password for the operator, once: it is the body of a `POST`. What was left is read at the same path.
    case storePassword
    /// Tells what others say of the instance: the operator's vendor data targets are asked before it is read.
    case askVendorDataTargets
}
