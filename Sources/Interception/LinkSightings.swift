import Netlink

/// When each port of the host's bridges was first seen.
///
/// What was read of a domain before says nothing about the port: it may be another domain's tap, with the name of the tap of a domain
/// that has stopped since.
struct LinkSightings {
    private struct Sighting {
        let port: Link
        /// `nil` stands for the first look, which precedes the first read of a domain.
        let since: ContinuousClock.Instant?
    }

    /// By the index of the link.
    private var sightings: [Int32: Sighting] = [:]
    private var hasLooked = false

    /// Looks again, at all ports that there are.
    ///
    /// - Parameter time: when they had been read.
    mutating func look(at ports: some Sequence<Link>, _ time: ContinuousClock.Instant) {
        let known = sightings
        sightings = [:]
        for port in ports {
            let before = known[port.index].flatMap { $0.port.isSame(as: port) ? $0 : nil }
            sightings[port.index] = before ?? Sighting(port: port, since: hasLooked ? time : nil)
        }
        hasLooked = true
    }

    /// When a port was first seen; `nil` where that was before any domain was read.
    func since(_ index: Int32) -> ContinuousClock.Instant? { sightings[index]?.since }
}

extension Link {
    /// Whether what a domain's name for it meant before, it means now. A link that is made again under its name has another index; a tap
    /// that stays when its program ends is opened by another, and a tap of several queues by another beside it.
    fileprivate func isSame(as next: Link) -> Bool {
        name == next.name && kind == next.kind && carrierUps == next.carrierUps && queues == next.queues
    }
}
