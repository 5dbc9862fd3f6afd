/// How guests' packets for the metadata addresses become ours, as an operator forces it; `auto` chooses for each bridge.
enum InterceptionMode: String, Sendable, CaseIterable {
    /// What suits the bridge.
    case auto
    /// The bridge has the addresses.
    case address
    /// The bridge has none of them; packets for them are sent to a high port.
    case redirect
    /// Packets for them are lifted out of the bridge on their way to a gateway elsewhere.
    case bridge
    /// Not at all; the operator does it, and says by `--listen` where they come.
    case none
}

/// How the host answers for the metadata addresses on one bridge.
enum Entry: Equatable {
    /// The bridge has the addresses.
    case address
    /// nftables redirects them to another port, for this reason.
    case redirect(reason: String)
}
