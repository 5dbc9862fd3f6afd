import Common
import Configuration
import Description
import Interception
import JSON
import Libvirt
import NFTables
import Netlink

/// The facts about this host that the checks of all its domains share; each is read once.
final class ExaminedHost {
    /// What the server says of itself.
    struct Server {
        /// Whether it can be queried.
        enum State {
            case running, down, denied
        }

        var state = State.down
        /// The bridges that it serves; `nil` where they are not known, or where it serves listen addresses only.
        var bridges: Set<String>?
        /// Whether it serves bridges for enabled domains only.
        var isOptIn = false
    }

    /// Why a fact is not known.
    struct Unknown: Error {
        let reason: String
    }

    let uri: String
    let hypervisor: Hypervisor
    /// The active networks, by name.
    private let networks: [LibvirtName: NetworkDescription]
    /// Why others cannot be read: libvirt cannot describe them, or their XML cannot be used.
    let unreadableNetworks: [LibvirtName: String]
    /// The DHCP leases of all clients.
    let leases: [MACAddress: [IPAddress]]
    let assembly: InstanceAssembly
    var server = Server()
    /// Whether all domains are examined: then what concerns the host is said once, and not of each.
    var isOverview = false
    /// What the running domains share that each should have for itself.
    var clones = DomainClones([])
    private let sources: HostSources
    private let ports: ClosedRange<UInt16>
    private var blocks: [String: [FirewallTrace.Block]] = [:]
    private var links: [String: Result<Link?, KernelError>] = [:]
    private var routes: [LibvirtName: [Diagnosis]] = [:]

    init(
        _ hypervisor: Hypervisor, at uri: String, _ configuration: Configuration, _ sources: HostSources
    ) async throws(LibvirtError) {
        (self.uri, self.hypervisor, self.sources) = (uri, hypervisor, sources)
        let networks = try await hypervisor.networks()
        self.networks = Dictionary(networks.described.map { ($0.name, $0) }) { first, _ in first }
        leases = await hypervisor.leasedAddresses(on: networks.described)
        (assembly, unreadableNetworks) = networks.assembled(defaults: configuration.defaults)
        ports = configuration.interception.listenerPorts
    }

    private(set) lazy var forwarding = Result { () throws(KernelError) in try ForwardingDatabase() }
    private(set) lazy var neighbours = try? Neighbours()

    /// The rules, read once for all bridges.
    private lazy var trace = Result { () throws(Unknown) -> FirewallTrace in
        do {
            return FirewallTrace(try sources.ruleset(), bridge: "", ports: ports)
        } catch {
            throw Unknown(reason: "cannot read the nftables rules: \(error); run as root")
        }
    }

    /// The frames with another guest's MAC address that the server's rules have dropped.
    private(set) lazy var spoofedFrames: UInt64 = {
        let counter = RuleSet.Counter.spoofed.rawValue
        return (try? NFTables().packets(ofCounter: counter, table: RuleTable.name, family: "netdev")) ?? 0
    }()

    /// A link of this host; `nil` where there is none of that name.
    func link(named name: String) throws(KernelError) -> Link? {
        if let known = links[name] { return try known.get() }
        let found = Result { () throws(KernelError) in try sources.link(name) }
        links[name] = found
        return try found.get()
    }

    /// The names of the active networks.
    var activeNetworks: Set<LibvirtName> { Set(networks.keys).union(unreadableNetworks.keys) }

    /// Whether the guests of an active network have a route to the metadata address.
    func routeProblems(ofNetwork name: LibvirtName) -> [Diagnosis] {
        if let known = routes[name] { return known }
        let problems = networks[name].map { Doctor.checkRoute(name.text, $0.xml) } ?? []
        routes[name] = problems
        return problems
    }

    /// Whether a server that no longer runs has left its rules on a bridge. They drop new connections, on purpose.
    func hasRulesLeft(on bridge: String) throws(Unknown) -> Bool {
        server.state == .down ? try trace.get().servedBridges.contains(bridge) : false
    }

    /// The chains that drop requests of the guests on a bridge.
    func blocks(on bridge: String) throws(Unknown) -> [FirewallTrace.Block] {
        if let known = blocks[bridge] { return known }
        let found = try trace.get().from(bridge).blocks
        blocks[bridge] = found
        return found
    }
}

/// The domain that is examined.
struct ExaminedDomain {
    let host: ExaminedHost
    let domain: EditableDomain
    /// The domain as it runs; of one that does not run, its definition, which is what it will run as.
    let running: EditableDomain.Part
    let assembled: InstanceAssembly.Assembled
    /// Whether the definition has an SMBIOS identity or the operator's element.
    let isEnabledByDefinition: Bool

    var instance: Instance { assembled.instance }
    var isRunning: Bool { domain.running != nil }
    /// What it shares with other running domains.
    var clones: [DomainClones.Clone] { host.clones.clones(of: instance) }
    /// The domain as a word of a command.
    var word: String { domain.commandWord }
    /// Whether `disable` has changed the definition, and the guest still runs as before.
    var isDisabled: Bool { isRunning && domain.defined != nil && instance.enabledBy != nil && !isEnabledByDefinition }
    var isEnabled: Bool { instance.enabledBy != nil || isEnabledByDefinition }
    /// The beginning of a command for libvirt.
    var virsh: String { "virsh -c \(host.uri.shellWord)" }
    /// How to restart it: the first command only asks the guest to shut down.
    var restart: String { "\(virsh) shutdown \(word); once it is shut off: \(virsh) start \(word)" }
}
