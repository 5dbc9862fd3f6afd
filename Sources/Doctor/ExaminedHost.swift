import Common
import Configuration
import Interception
import Inventory
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

    /// Rules of large hosts name every guest.
    private static let longestRuleset = 64 << 20

    let uri: String
    let hypervisor: Hypervisor
    /// The active networks.
    let networks: [NetworkDescription]
    /// The DHCP leases of all clients.
    let leases: [MACAddress: [IPAddress]]
    let assembly: InstanceAssembly
    var server = Server()
    private let ports: ClosedRange<UInt16>
    private var blocks: [String: [FirewallTrace.Block]] = [:]

    init(_ hypervisor: Hypervisor, at uri: String, _ configuration: Configuration) async throws {
        (self.uri, self.hypervisor) = (uri, hypervisor)
        networks = try await hypervisor.networks()
        leases = await hypervisor.leasedAddresses(on: networks)
        assembly = try InstanceAssembly(
            networks: networks.map { Array($0.xml.utf8) }, defaults: configuration.defaults, readsBare: false)
        ports = configuration.interception.listenerPorts
    }

    private lazy var tables = Result { () throws(NFTablesError) in try NFTables() }
    private(set) lazy var forwarding = Result { () throws(KernelError) in try ForwardingDatabase() }
    private(set) lazy var neighbours = try? Neighbours()

    private lazy var ruleset = Result { () throws(Unknown) -> JSONValue in
        do {
            return try JSONParsing.value(of: try tables.get().ruleset(), limit: Self.longestRuleset)
        } catch {
            throw Unknown(reason: "cannot read the nftables rules: \(error); run as root")
        }
    }

    /// The frames with another guest's MAC address that the server's rules have dropped.
    private(set) lazy var spoofedFrames: UInt64 = {
        let counter = RuleSet.Counter.spoofed.rawValue
        return (try? tables.get().packets(ofCounter: counter, table: RuleTable.name, family: "netdev")) ?? 0
    }()

    /// The chains that drop requests of the guests on a bridge.
    func blocks(on bridge: String) throws(Unknown) -> [FirewallTrace.Block] {
        if let known = blocks[bridge] { return known }
        let found = FirewallTrace(try ruleset.get(), bridge: bridge, ports: ports).blocks
        blocks[bridge] = found
        return found
    }
}

/// The domain that is examined.
struct ExaminedDomain {
    let host: ExaminedHost
    let domain: EditableDomain
    /// The domain as it runs.
    let running: EditableDomain.Part
    let assembled: InstanceAssembly.Assembled
    /// Whether the definition has an SMBIOS identity or the operator's element.
    let isEnabledByDefinition: Bool

    var instance: Instance { assembled.instance }
    /// The domain as a word of a command.
    var word: String { domain.commandWord }
    var isEnabled: Bool { instance.enabledBy != nil || isEnabledByDefinition }
    /// The beginning of a command for libvirt.
    var virsh: String { "virsh -c \(host.uri.shellWord)" }
    /// How to restart it: the first command only asks the guest to shut down.
    var restart: String { "\(virsh) shutdown \(word); once it is shut off: \(virsh) start \(word)" }
}
