/// A fact from a plan that is logged for the operator.
enum InterceptionNote: Equatable {
    /// The selected networks that are inactive or have no bridge; empty where all are usable.
    case networksMissing([String])
    case bridgeMissing(String, namedBy: BridgeSelection.Source)
    case bridgeFound(String)
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
}

extension InterceptionReport {
    mutating func log(_ note: InterceptionNote) {
        switch note {
        case .networksMissing(let networks): missing(networks: networks)
        case .bridgeMissing(let bridge, let source): missing(bridge, namedBy: source)
        case .bridgeFound(let bridge): found(bridge)
        case .notABridge(let link): notABridge(link)
        case .ipv6Disabled(let bridge): ipv6Disabled(on: bridge)
        case .ipv6Unknown(let bridge, let problem): failed("see whether IPv6 is enabled", on: bridge, problem)
        case .cannotRedirect(let bridge, let problem): failed("redirect", on: bridge, problem)
        case .canRedirect(let bridge): succeeded("redirect", on: bridge)
        case .portUnnamable(let port, let bridge): unnamable(port, on: bridge)
        case .tooManyPorts(let domain, let bridge): tooManyPorts(of: domain, on: bridge)
        }
    }
}
