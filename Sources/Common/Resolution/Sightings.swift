/// A domain as one host has it.
struct Sighting: Sendable {
    /// What that host says of it.
    let instance: Instance
    /// Which host.
    let host: HostNumber
    /// Whether it does not run there now, as on the host that it migrates to, or that it has just left.
    let isPaused: Bool
    /// When that host was first known to have it, or to have it run again: a later one has a higher number.
    let since: Int

    /// Whether this counts rather than what another host says: where the domain runs, and of several the newest to say so.
    func counts(before other: Sighting) -> Bool {
        isPaused == other.isPaused ? since > other.since : other.isPaused
    }
}

/// What the hosts say of one domain: there is one as a rule, and two while it migrates.
struct Sightings: Sendable {
    /// The one that counts.
    let first: Sighting
    /// The others, in the order in which they would count.
    private let others: [Sighting]

    private init(_ one: Sighting, and more: [Sighting]) {
        let sorted = ([one] + more).sorted { $0.counts(before: $1) }
        (first, others) = (sorted[0], Array(sorted.dropFirst()))
    }

    /// What is said once a host has said something of a domain.
    ///
    /// - Parameters:
    ///   - before: what was said of it until now, if anything was.
    ///   - time: the number of this news.
    static func adding(
        _ instance: Instance, on host: HostNumber, isPaused: Bool, at time: Int, to before: Sightings?
    ) -> Sightings {
        let known = before?.sighting(on: host)
        let since = known.flatMap { $0.isPaused && !isPaused ? nil : $0.since } ?? time
        let sighting = Sighting(instance: instance, host: host, isPaused: isPaused, since: since)
        return Sightings(sighting, and: before?.all.filter { $0.host != host } ?? [])
    }

    /// What is said once a host has the domain no longer; `nil` where that is nothing.
    func removing(_ host: HostNumber) -> Sightings? {
        let left = all.filter { $0.host != host }
        return left.first.map { Sightings($0, and: Array(left.dropFirst())) }
    }

    /// What this host says.
    var local: Sighting? { sighting(on: .local) }

    /// What counts of what other hosts say.
    var remote: Sighting? { first.host.isLocal ? others.first : first }

    /// What a host says.
    func sighting(on host: HostNumber) -> Sighting? {
        first.host == host ? first : others.first { $0.host == host }
    }

    private var all: [Sighting] { [first] + others }
}
