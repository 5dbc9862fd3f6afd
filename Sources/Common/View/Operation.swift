/// An operation at a path in addition to reading it.
package enum Operation: Sendable {
    /// Starts a session: a `PUT` returns a token for later requests. The path has no content and is not listed.
    case issueToken
    /// Stores a password for the operator, once: the body of a `POST`. The stored password is read at the same path.
    case storePassword
    /// Queries the operator's vendor data targets before the document is read.
    case askVendorDataTargets
}
