import Common

/// The requests to read domains again, each made once for a port, and once more where the answer is missing.
struct RereadRequests {
    /// How long an answer may take: libvirt may be unable to describe a domain, and is not asked without end.
    static let patience = Duration.seconds(5)

    /// When each domain was last asked for.
    private var asked: [InstanceUUID: ContinuousClock.Instant] = [:]

    /// The domains to ask for now.
    ///
    /// - Parameter unread: all domains that are to be read again, each with the time after which that must begin.
    mutating func due(_ unread: [InstanceUUID: ContinuousClock.Instant], at now: ContinuousClock.Instant) -> Set<InstanceUUID> {
        asked = asked.filter { unread[$0.key] != nil }
        let due = unread.filter { domain, since in asked[domain].map { $0 < since || now - $0 >= Self.patience } ?? true }
        for domain in due.keys { asked[domain] = now }
        return Set(due.keys)
    }
}
