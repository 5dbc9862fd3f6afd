import Common

/// What a call reads.
enum ReadCall: Hashable {
    case runningDomains, allDomains, networks
    /// By what names the domain.
    case domain(String)
    case network(LibvirtName)
    case leases(LibvirtName)

    /// The C function that such a call may wait in.
    var function: String {
        switch self {
        case .runningDomains, .allDomains: "virConnectListAllDomains"
        case .networks: "virConnectListAllNetworks"
        case .domain: "virDomainGetXMLDesc"
        case .network: "virNetworkGetXMLDesc"
        case .leases: "virNetworkGetDHCPLeases"
        }
    }
}
