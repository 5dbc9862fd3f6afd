/// How guests' packets for the metadata addresses reach the server, as set by the operator; `auto` chooses for each bridge.
package enum InterceptionMode: String, Sendable, CaseIterable {
    /// Chosen by what the bridge and the host allow.
    case auto
    /// The bridge has the addresses.
    case address
    /// The bridge has none of them; packets for them are rewritten to the bridge's own addresses.
    case redirect
    /// As `address` or `redirect`, and no ARP or neighbour discovery for the addresses crosses an uplink.
    case bridge
    /// No interception; the operator redirects packets to a listen address set by `--listen`.
    case none
}

/// How the host answers for the metadata addresses on one bridge.
enum BridgeMode: Equatable {
    /// The bridge has the addresses.
    case address
    /// nftables rewrites them to the bridge's own addresses, for this reason.
    case redirect(reason: String)
}
