/// A domain as one host describes it.
struct DomainCopy: Sendable {
    let instance: Instance
    let host: HostNumber
    /// Whether the domain is not running on that host at the moment: the destination of a migration, or its source after the
    /// switch.
    let isPaused: Bool
    /// The number of the change in which the host first reported the domain, or reported it as running again; later changes have
    /// higher numbers.
    let since: Int
    /// The number of the domain's current run on that host; each start has a new one.
    let run: Int
    /// When the read began that last found the domain like this.
    var readAt: ContinuousClock.Instant

    /// Whether this copy is served instead of another host's: a running one precedes a paused one, and a newer one an older one.
    func precedes(_ other: DomainCopy) -> Bool {
        isPaused == other.isPaused ? since > other.since : other.isPaused
    }
}

/// A domain as all hosts describe it: usually one copy, two while the domain migrates.
struct DomainCopies: Sendable {
    let first: DomainCopy
    /// The other copies, in order of precedence.
    private let others: [DomainCopy]

    private init(_ one: DomainCopy, and more: [DomainCopy]) {
        let sorted = ([one] + more).sorted { $0.precedes($1) }
        (first, others) = (sorted[0], Array(sorted.dropFirst()))
    }

    /// The copies after a host has described the domain.
    ///
    /// - Parameters:
    ///   - before: the previous copies, if any.
    ///   - change: the number of this change.
    ///   - readAt: when the read began.
    static func adding(
        _ instance: Instance, on host: HostNumber, isPaused: Bool, at change: Int, readAt: ContinuousClock.Instant,
        to before: DomainCopies?
    ) -> DomainCopies {
        let known = before?.copy(on: host)
        let since = known.flatMap { $0.isPaused && !isPaused ? nil : $0.since } ?? change
        let run = known.flatMap { $0.instance.names.libvirtID == instance.names.libvirtID ? $0.run : nil } ?? change
        let copy = DomainCopy(instance: instance, host: host, isPaused: isPaused, since: since, run: run, readAt: readAt)
        return DomainCopies(copy, and: before?.all.filter { $0.host != host } ?? [])
    }

    /// The copies after a host has described the domain as before.
    func confirming(_ host: HostNumber, readAt: ContinuousClock.Instant) -> DomainCopies {
        let confirmed = all.map { copy in
            var copy = copy
            if copy.host == host { copy.readAt = readAt }
            return copy
        }
        return DomainCopies(confirmed[0], and: Array(confirmed.dropFirst()))
    }

    /// The copies after a host no longer has the domain; `nil` if none remains.
    func removing(_ host: HostNumber) -> DomainCopies? {
        let remaining = all.filter { $0.host != host }
        return remaining.first.map { DomainCopies($0, and: Array(remaining.dropFirst())) }
    }

    var local: DomainCopy? { copy(on: .local) }

    /// The first copy of another host.
    var remote: DomainCopy? { first.host.isLocal ? others.first : first }

    func copy(on host: HostNumber) -> DomainCopy? {
        first.host == host ? first : others.first { $0.host == host }
    }

    private var all: [DomainCopy] { [first] + others }
}
