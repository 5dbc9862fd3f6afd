import Common
import Configuration
import FoundationEssentials
import Interception
import Inventory
import JSON
import Libvirt
import NFTables
import Netlink

extension Doctor {
    /// Whether the bridges that the guest is attached to exist, and are served.
    func checkNetwork(_ examined: ExaminedDomain, isServing: Bool) -> CheckResult {
        var result = CheckResult(name: "network")
        let served = servedBridges
        var bridges: [String] = []
        for interface in examined.instance.interfaces {
            guard let bridge = interface.bridge else {
                result.diagnoses.append(Self.unplugged(interface, examined))
                continue
            }
            bridges.append(bridge)
            result.diagnoses += checkBridge(bridge, interface, examined, isServing ? served : nil)
            if let name = interface.network?.name, let xml = examined.networks.first(where: { $0.name == name })?.xml {
                result.diagnoses += Self.checkWay(name, xml)
            }
        }
        if examined.instance.interfaces.isEmpty {
            result.diagnoses.append(
                .error(
                    "the domain has no network interface",
                    "virsh -c \(examined.uri) attach-interface \(examined.domain.commandWord) network default"))
        }
        result.detail = bridges.joined(separator: ", ")
        return result
    }

    /// The bridges that this host's server serves, by its own record; `nil` where there is no readable record.
    private var servedBridges: Set<String>? {
        guard let data = FileManager.default.contents(atPath: configuration.runDirectory + "/owned.json"),
            let state = try? InstalledState(Array(data))
        else { return nil }
        return state.bridges
    }

    private static func unplugged(_ interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis {
        if examined.assembled.findings.contains(where: {
            $0.element == "devices/interface" && $0.problem.contains("\(interface.mac)")
        }) {
            return .warning(
                "\(interface.mac) is plugged into no bridge, so its requests reach nobody here",
                "plug it into a network or a bridge")
        }
        return .error(
            "\(interface.mac) is plugged into a network that is not active, or that libvirt does not know",
            "virsh -c \(examined.uri) net-list --all; virsh -c \(examined.uri) net-start NETWORK")
    }

    private func checkBridge(
        _ bridge: String, _ interface: NetworkInterface, _ examined: ExaminedDomain, _ served: Set<String>?
    ) -> [Diagnosis] {
        let link: Link?
        do throws(KernelError) {
            link = try Links.link(named: bridge)
        } catch {
            return [.warning("the kernel does not say whether there is a bridge \(bridge): \(error)")]
        }
        guard let link else {
            return [
                .error(
                    "there is no bridge \(bridge) on this host, which \(interface.mac) is plugged into",
                    interface.network.map { "virsh -c \(examined.uri) net-start \($0.name.shellWord)" }
                        ?? "ip link add \(bridge.shellWord) type bridge")
            ]
        }
        guard link.isBridge else { return [.error("\(bridge) is no bridge of the kernel: only those are served")] }
        var diagnoses: [Diagnosis] = []
        if !link.isUp { diagnoses.append(.error("the bridge \(bridge) is down", "ip link set \(bridge.shellWord) up")) }
        let selection = configuration.interception.selection
        let isEverything = selection.networks.isEmpty && selection.bridges.isEmpty
        if !isEverything, !selection.bridges.contains(bridge), !selection.networks.contains(interface.network?.name ?? "") {
            diagnoses.append(
                .error(
                    "the configuration serves only "
                        + (selection.networks.map { "network \($0)" } + selection.bridges.map { "bridge \($0)" }).joined(
                            separator: ", ")
                        + ", and \(interface.mac) is on \(bridge)",
                    "add \(bridge) to `bridge:` in the configuration, and systemctl restart virt-metadata"))
        } else if let served, !served.contains(bridge) {
            diagnoses.append(
                .error(
                    "the server does not serve \(bridge)",
                    "sudo journalctl -u virt-metadata says why; it may be started with --bridge or --networks"))
        }
        if let tap = interface.tap, link.isUp { diagnoses += Self.checkTap(tap, of: link, interface) }
        return diagnoses
    }

    private static func checkTap(_ tap: String, of bridge: Link, _ interface: NetworkInterface) -> [Diagnosis] {
        guard let port = try? Links.link(named: tap) else {
            return [.error("the tap \(tap) of \(interface.mac) is not on this host", "stop and start the domain")]
        }
        guard port.master == bridge.index else {
            return [
                .error(
                    "the tap \(tap) of \(interface.mac) is not plugged into \(bridge.name)",
                    "ip link set \(tap.shellWord) master \(bridge.name.shellWord)")
            ]
        }
        return port.isUp ? [] : [.error("the tap \(tap) is down", "ip link set \(tap.shellWord) up")]
    }

    /// Whether the guests of a network have a route to the metadata address: their default route, or one from DHCP.
    private static func checkWay(_ name: String, _ xml: String) -> [Diagnosis] {
        let isIsolated = !xml.contains("<forward")
        let isRouted =
            xml.contains("classless-static-route") || xml.contains("dhcp-option=121") || xml.contains("dhcp-option-force=121")
        guard isIsolated, !isRouted else { return [] }
        return [
            .warning(
                "the network \(name) is isolated and tells its guests no route to \(MetadataAddress.v4): few find it without one",
                "let its DHCP send option 121: /usr/share/doc/virt-metadata/networks.md, Isolated networks")
        ]
    }

    // MARK: Firewall

    /// Whether the host's own rules drop guests' requests.
    func checkFirewall(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "firewall")
        let bridges = Set(examined.instance.interfaces.compactMap(\.bridge)).sorted()
        guard !bridges.isEmpty else { return CheckResult(name: "firewall", skipped: "no interface is on a bridge") }
        let ruleset: JSONValue
        do {
            ruleset = try JSONParsing.value(of: try NFTables().ruleset(), limit: Self.longestRuleset)
        } catch {
            return CheckResult(name: "firewall", skipped: "nftables cannot be read: \(error); as root it can")
        }
        for bridge in bridges {
            let ports = configuration.interception.listenerPorts
            for block in FirewallTrace(ruleset, bridge: bridge, ports: ports).blocks {
                result.diagnoses.append(Self.diagnosis(of: block, bridge, ports))
            }
        }
        result.detail = "nothing stops what guests send to \(MetadataAddress.v4) on \(bridges.joined(separator: ", "))"
        return result
    }

    /// Rules of large hosts name every guest.
    private static let longestRuleset = 64 << 20

    private static func diagnosis(
        of block: FirewallTrace.Block, _ bridge: String, _ ports: ClosedRange<UInt16>
    ) -> Diagnosis {
        let location = "chain \(block.chain) of table \(block.family) \(block.table)"
        let (first, last) = (ports.lowerBound, ports.upperBound)
        // Requests reach the host on the port of a listening socket, and not on port 80.
        let packets =
            "what comes by \(bridge) for the ports \(first) to \(last), which guests' requests to \(MetadataAddress.v4) are sent to"
        let remedy =
            block.table == "firewalld"
            ? "sudo firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=\(bridge.shellWord)) --add-port=\(first)-\(last)/tcp && sudo firewall-cmd --reload"
            : "sudo nft insert rule \(block.family) \(block.table) \(block.chain) iifname \(bridge.shellWord) tcp dport \(first)-\(last) accept"
        return block.isCertain
            ? .error("the firewall drops \(packets): \(location)", remedy)
            : .warning("the firewall may drop \(packets): \(location)", remedy)
    }

    // MARK: Ports

    /// Whether the guest's frames come from the port that it is attached to.
    func checkPorts(_ examined: ExaminedDomain) -> CheckResult {
        var result = CheckResult(name: "port")
        guard let database = try? ForwardingDatabase() else {
            return CheckResult(name: "port", skipped: "the kernel does not say")
        }
        for interface in examined.instance.interfaces {
            guard let bridge = interface.bridge, let index = (try? Links.index(ofInterface: bridge)) ?? nil else { continue }
            let link = (try? database.port(of: interface.mac, onBridge: index)) ?? nil
            let port = link.flatMap { try? Links.name(ofInterface: $0) }
            if let port, let tap = interface.tap, port != tap {
                result.diagnoses.append(
                    .error(
                        "somebody else uses the hardware address \(interface.mac): its frames come to \(bridge) by \(port), and the domain is plugged into \(tap)",
                        "find whose port that is: virsh -c \(examined.uri) domiflist DOMAIN; and keep guests from it by --guard on"
                    ))
            } else if port == nil {
                result.diagnoses.append(
                    .note("the bridge \(bridge) has seen no frame of \(interface.mac) lately: the guest is down, or silent"))
            }
            result.diagnoses += Self.checkNeighbours(interface, examined, onBridge: bridge, index)
            result.diagnoses += Self.checkFilter(bridge)
        }
        result.diagnoses += Self.checkForgeries()
        result.detail = examined.instance.interfaces.map { "\($0.mac)" }.joined(separator: ", ")
        return result
    }

    /// Whether the host would send packets for the guest's addresses to the guest.
    private static func checkNeighbours(
        _ interface: NetworkInterface, _ examined: ExaminedDomain, onBridge bridge: String, _ index: Int32
    ) -> [Diagnosis] {
        guard let neighbours = try? Neighbours() else { return [] }
        let leased = examined.leases[interface.mac] ?? []
        return Set(interface.knownAddresses + leased).sorted { "\($0)" < "\($1)" }.compactMap { address in
            guard let mac = (try? neighbours.mac(of: address, onInterface: index)) ?? nil, mac != interface.mac else {
                return nil
            }
            return .error(
                "\(address) is \(interface.mac)'s, and the host's neighbour table has it at \(mac): somebody else uses that address, and gets the replies",
                "sudo ip neighbour del \(address) dev \(bridge.shellWord); and find who that is: sudo virt-metadata list")
        }
    }

    /// Strict reverse path filtering drops packets of a guest to which no route leads back through that bridge.
    private static func checkFilter(_ bridge: String) -> [Diagnosis] {
        func value(_ name: String) -> Int {
            let data = FileManager.default.contents(atPath: "/proc/sys/net/ipv4/conf/\(name)/rp_filter")
            return data.flatMap { Int(String(decoding: $0.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) } ?? 0
        }
        guard max(value("all"), value(bridge)) == 1, let index = (try? Links.index(ofInterface: bridge)) ?? nil,
            let addresses = try? Addresses.all(ofInterface: index)
        else { return [] }
        let hasSubnet = addresses.contains { $0.address.family == .v4 && $0.prefixLength < 32 }
        guard !hasSubnet else { return [] }
        return [
            .warning(
                "rp_filter is strict and no route leads to \(bridge): the kernel drops its guests' packets before anybody sees them",
                "sudo sysctl -w net.ipv4.conf.\(bridge).rp_filter=0 net.ipv4.conf.all.rp_filter=2")
        ]
    }

    private static func checkForgeries() -> [Diagnosis] {
        let counter = RuleSet.Counter.spoofed.rawValue
        guard let tables = try? NFTables(),
            let count = (try? tables.packets(ofCounter: counter, table: RuleTable.name, family: "netdev")) ?? nil, count > 0
        else { return [] }
        return [
            .note(
                "\(count) frames that bore another guest's hardware address were dropped on this host's bridges since the server made its rules"
            )
        ]
    }
}
