/// The result of a guest's request to store a password for its operator.
package enum PasswordOutcome: Sendable, Hashable {
    /// The password is stored in libvirt.
    case stored
    /// The domain already has a password, which is kept.
    case alreadySet
    /// The domain no longer exists.
    case noDomain
    /// The hypervisor is unreachable, or the queue is full.
    case unavailable

    /// The timeout of such a request: longer than it takes to detect that a daemon hangs. A password that has waited longer is
    /// not stored.
    package static let limit = Duration.seconds(10)
}
