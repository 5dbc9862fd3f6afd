/// A fact from a plan that is logged for the operator.
enum InterceptionNote: Equatable {
    /// The selected networks that are inactive or have no bridge; empty where all are usable.
    case networksMissing([String])
    /// All selected bridges that do not exist, in the order of their names.
    case bridgesMissing([MissingBridge])
    /// A domain names a link as its bridge that is not a bridge.
    case notABridge(String)
    case ipv6Disabled(on: String)
    case ipv6Unknown(on: String, String)
    case cannotRedirect(String, String)
    case canRedirect(String)
    /// A port whose name no rule can contain.
    case portUnnamable(String, on: String)
    /// A domain has more ports on a bridge than are served.
    case tooManyPorts(of: String, on: String)

    /// A selected bridge that does not exist.
    struct MissingBridge: Equatable {
        let name: String
        /// Why it is selected.
        let source: BridgeSelection.Source
    }
}

extension InterceptionReport {
    mutating func log(_ note: InterceptionNote) {
        switch note {
        case .networksMissing(let networks): missing(networks: networks)
        case .bridgesMissing(let bridges): missing(bridges)
        case .notABridge(let link): notABridge(link)
        case .ipv6Disabled(let bridge): ipv6Disabled(on: bridge)
        case .ipv6Unknown(let bridge, let problem): failed("check whether IPv6 is enabled", on: bridge, problem)
        case .cannotRedirect(let bridge, let problem): failed("redirect", on: bridge, problem)
        case .canRedirect(let bridge): succeeded("redirect", on: bridge)
        case .portUnnamable(let port, let bridge): unnamable(port, on: bridge)
        case .tooManyPorts(let domain, let bridge): tooManyPorts(of: domain, on: bridge)
        }
    }
}
