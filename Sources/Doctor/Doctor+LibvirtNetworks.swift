import Common
import Configuration
import Description
import Interception
import Libvirt

/// libvirt's networks: those that interfaces name, and those of the configuration.
///
/// Only active networks are listed, so whether one that is not active exists is not known here; `virsh net-start` says so.
extension Doctor {
    /// The networks that the domain names and that are not active: without them it cannot start.
    static func inactiveNetworks(_ examined: ExaminedDomain) -> [LibvirtName] {
        var names: [LibvirtName] = []
        for interface in examined.instance.interfaces where interface.lacksNetworkXML {
            guard let name = interface.networkName, examined.host.unreadableNetworks[name] == nil else { continue }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// The problem of an interface on a network that cannot be read: its addresses and its DHCP are not known then.
    static func unreadableNetwork(of interface: NetworkInterface, _ examined: ExaminedDomain) -> [Diagnosis] {
        guard let network = interface.networkName, let error = examined.host.unreadableNetworks[network] else { return [] }
        let problem = "cannot read network '\(network)' of interface \(interface.mac): \(error)"
        return [.error(problem, "\(examined.virsh) net-dumpxml \(network.text.shellWord)")]
    }

    /// The problem of all networks that cannot be read, whether a domain uses them or not.
    static func unreadableNetworks(_ host: ExaminedHost) -> [Diagnosis] {
        let all = host.unreadableNetworks.sorted { $0.key.text < $1.key.text }
        guard let (name, error) = all.first else { return [] }
        let subject = all.count == 1 ? "network '\(name)'" : "\(all.count) networks, such as '\(name)'"
        return [
            .warning("cannot read \(subject): \(error)", "virsh -c \(host.uri.shellWord) net-dumpxml \(name.text.shellWord)")
        ]
    }

    /// The problem of an interface on a network that is not active.
    static func inactive(_ network: LibvirtName, of interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis {
        let advice =
            nearestWord(to: network.text, among: examined.host.activeNetworks.map(\.text)).map { "; did you mean '\($0)'?" } ?? ""
        let problem = "network '\(network)' of interface \(interface.mac) is not active\(advice)"
        return .error(problem, activation(of: network, at: examined.host))
    }

    /// The commands that start a network, now and with the host.
    static func activation(of network: LibvirtName, at host: ExaminedHost) -> String {
        let virsh = "virsh -c \(host.uri.shellWord)"
        return
            "\(virsh) net-start \(network.text.shellWord); to start it with the host: \(virsh) net-autostart \(network.text.shellWord)"
    }

    /// The problem of a bridge that does not exist. That of a libvirt network is libvirt's to make: a bridge of that name made by hand
    /// would have no addresses, no DHCP server, and would keep the network from starting.
    static func missing(_ bridge: String, of interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis {
        let problem = "bridge \(bridge) of interface \(interface.mac) does not exist on this host"
        guard let network = interface.networkName else {
            return .error(problem, "sudo ip link add \(bridge.shellWord) up type bridge")
        }
        let start = "\(examined.virsh) net-start \(network.text.shellWord)"
        // The tap of a running guest outlives the bridge, and libvirt does not attach it to the new one.
        let attach = interface.tap.flatMap { tap in
            examined.isRunning ? "sudo ip link set \(tap.shellWord) master \(bridge.shellWord), or " : nil
        }
        let then = examined.isRunning ? "; then attach the guest again: \(attach ?? "")restart it" : ""
        guard !examined.host.activeNetworks.contains(network) else {
            let restart = "\(examined.virsh) net-destroy \(network.text.shellWord); \(start)\(then)"
            return .error("\(problem), although network '\(network)' is active", restart)
        }
        return .error("network '\(network)' is not active, so \(problem)", "\(start)\(then)")
    }

    // MARK: The configuration

    /// A name in the configuration that is probably meant for the network of an interface.
    static func misspelt(_ networks: [String], _ interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis? {
        guard let own = interface.networkName?.text else { return nil }
        let active = examined.host.activeNetworks
        guard let name = networks.first(where: { !active.contains(LibvirtName($0)) && nearestWord(to: $0, among: [own]) != nil })
        else {
            return nil
        }
        return .error(unknown(name, near: own), correction)
    }

    private static func unknown(_ network: String, near other: String) -> String {
        "no active libvirt network '\(network)', which the configuration names; did you mean '\(other)'?"
    }

    private static let correction =
        "correct 'network' in \(Configuration.defaultFile); then: sudo systemctl restart virt-metadata"

    /// The networks of the configuration that are not active, so that none of their guests is served.
    ///
    /// - Parameter examined: the running domains, which name networks too: one that a domain names is not misspelt.
    func configuredNetworks(_ host: ExaminedHost, _ examined: [ExaminedDomain]) -> [Diagnosis] {
        let missing = configuration.interception.selection.networks.filter { !host.activeNetworks.contains(LibvirtName($0)) }
        guard !missing.isEmpty else { return [] }
        let named = Set(examined.flatMap(Self.inactiveNetworks).map(\.text))
        return missing.map { name in
            let near = named.contains(name) ? nil : nearestWord(to: name, among: named.union(host.activeNetworks.map(\.text)))
            guard let near else {
                let problem = "network '\(name)', which the configuration names, is not active: no guest on it is served"
                return .warning(problem, Self.activation(of: LibvirtName(name), at: host))
            }
            return .warning(Self.unknown(name, near: near), Self.correction)
        }
    }
}
