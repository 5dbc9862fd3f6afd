package enum Version {
    /// The version in packages and metrics.
    package static let current = "0.2.0"
}
