/// Which domain a bridge port belongs to, by the running domains that have it as the tap of an interface.
package enum PortClaim: Sendable {
    /// No known domain has it.
    case none
    /// These have not been read since the port's link was first seen.
    case unread([Snapshot.Owner])
    case owned(Snapshot.Owner)
    /// Several interfaces have it, or it has more queues than its interface, and nothing tells whose it is.
    case contested([Snapshot.Owner])

    /// The interface whose tap the port is, if that is known.
    package var owner: Snapshot.Owner? {
        if case .owned(let owner) = self { owner } else { nil }
    }

    /// The interfaces whose tap it is, as far as that is known: usually one.
    package var owners: [Snapshot.Owner] {
        switch self {
        case .none, .unread: []
        case .owned(let owner): [owner]
        case .contested(let owners): owners
        }
    }

    package var unread: [Snapshot.Owner] {
        if case .unread(let owners) = self { owners } else { [] }
    }
}
