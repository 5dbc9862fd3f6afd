/// Where a listening socket stands: what it says of the connections that it accepts.
enum ListeningPlace: Sendable, Hashable {
    /// A link of the host that is a bridge of guests.
    struct Bridge: Sendable, Hashable {
        /// Its name.
        let name: String
        /// Its index, by which the socket is bound to it; a bridge that is made anew has another.
        let index: Int32
        /// Whether its forwarding database says which port an address is behind: not where it filters VLANs, and not where it is
        /// no bridge of the kernel.
        let namesPorts: Bool
    }

    /// It is bound to no link.
    case anywhere
    /// It accepts only what enters by a bridge.
    case bridge(Bridge)
}
