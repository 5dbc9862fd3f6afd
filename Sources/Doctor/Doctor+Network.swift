import Common
import Configuration
import Description
import Interception
import Libvirt
import Netlink
import XML

extension Doctor {
    /// An interface on a bridge that is served.
    struct BridgedInterface {
        let interface: NetworkInterface
        let bridge: Link
    }

    /// Whether the bridges of the guest's interfaces exist, and are served; and the interfaces without a problem there.
    func checkNetwork(_ examined: ExaminedDomain) -> (CheckResult, [BridgedInterface]) {
        var (result, usable) = (CheckResult(name: "network"), [BridgedInterface]())
        for interface in examined.instance.interfaces {
            let (bridge, diagnoses) = check(interface, examined)
            result.diagnoses += Self.unreadableNetwork(of: interface, examined) + diagnoses
            guard let bridge else { continue }
            usable.append(BridgedInterface(interface: interface, bridge: bridge))
            if let name = interface.network?.name { result.diagnoses += examined.host.routeProblems(ofNetwork: name) }
        }
        if examined.instance.interfaces.isEmpty {
            let sides = examined.isRunning ? "--config --live" : "--config"
            let remedy = "\(examined.virsh) attach-interface \(examined.word) network default \(sides)"
            result.diagnoses.append(.error("the domain has no network interface", remedy))
        }
        for clone in examined.clones {
            guard case .mac = clone.shared else { continue }
            let remedy = "give one of them another MAC address: \(examined.virsh) edit \(examined.word)"
            result.diagnoses.append(.warning("\(clone.problem): the bridge cannot tell them apart", remedy))
        }
        result.detail = usable.map(\.bridge.name).joined(separator: ", ")
        return (result, usable)
    }

    /// The bridge of an interface, if nothing there keeps requests from the server; and the problems.
    private func check(_ interface: NetworkInterface, _ examined: ExaminedDomain) -> (bridge: Link?, diagnoses: [Diagnosis]) {
        guard let name = interface.bridge ?? Self.bridge(ofTapOf: interface, examined) else {
            return (nil, [Self.unplugged(interface, examined)])
        }
        let found: Link?
        do throws(KernelError) {
            found = try examined.host.link(named: name)
        } catch {
            return (nil, [.warning("cannot query the bridge \(name): \(error)")])
        }
        guard let bridge = found else {
            return (nil, [Self.missing(name, of: interface, examined)])
        }
        guard bridge.isUp else {
            return (nil, [.error("bridge \(name) is down", "sudo ip link set \(name.shellWord) up")])
        }
        let kind = checkKind(of: bridge, interface)
        guard !kind.contains(where: { $0.severity == .error }) else { return (nil, kind) }
        if let problem = checkServed(name, interface, examined) { return (nil, [problem]) }
        let setLink = "\(examined.virsh) domif-setlink\(examined.isRunning ? "" : " --config") \(examined.word)"
        if let problem = Self.checkLink(interface, of: examined.instance, setLink) { return (nil, [problem]) }
        // A port of an Open vSwitch bridge has another master.
        let tap = examined.isRunning && bridge.isBridge ? interface.tap : nil
        if let problem = tap.flatMap({ Self.checkTap($0, of: bridge, interface, examined) }) {
            return (nil, [problem])
        }
        return (bridge, kind)
    }

    /// The bridge of a tap whose interface names none (type `ethernet`).
    private static func bridge(ofTapOf interface: NetworkInterface, _ examined: ExaminedDomain) -> String? {
        guard interface.bridge == nil, interface.network == nil, let tap = interface.tap,
            let master = (try? examined.host.link(named: tap))?.master
        else { return nil }
        return try? Links.name(ofInterface: master)
    }

    /// Whether the server serves a link of this kind, and how it identifies guests there.
    private func checkKind(of link: Link, _ interface: NetworkInterface) -> [Diagnosis] {
        let page = "\(DocumentationPage.path("security.md")), \"How a guest is identified\""
        guard link.isBridge else {
            let isOpenVSwitch = link.kind == "openvswitch"
            guard isOpenVSwitch || configuration.interception.selection.bridges.contains(link.name) else {
                return [
                    .error(
                        "\(link.name) is not a Linux bridge; guests on other links are not served",
                        "to serve it anyway, add \(link.name) to 'bridge' in \(Configuration.defaultFile)")
                ]
            }
            let subject = isOpenVSwitch ? "an Open vSwitch bridge" : "not a Linux bridge"
            if isOpenVSwitch, let vlan = interface.vlan {
                return [
                    .error(
                        "interface \(interface.mac) is in VLAN \(vlan) of \(link.name), an Open vSwitch bridge: requests from this "
                            + "interface do not reach the server, which listens outside of VLANs",
                        "attach the interface without <vlan>, or to a Linux bridge")
                ]
            }
            return [
                .warning(
                    "\(link.name) is \(subject): its guests are identified by their MAC addresses alone, so a guest that uses another "
                        + "guest's MAC address can read that guest's metadata", page)
            ]
        }
        guard link.filtersVLANs else { return [] }
        let condition =
            "bridge \(link.name) filters VLANs: a guest's requests reach the server only if the bridge itself is in the guest's VLAN"
        let remedy = { (vlan: String) in "sudo bridge vlan add dev \(link.name.shellWord) vid \(vlan) self untagged" }
        guard let vlan = interface.vlan else { return [.note(condition, "bridge vlan show; \(remedy("VLAN"))")] }
        let problem = "\(condition), and interface \(interface.mac) is in VLAN \(vlan)"
        return [.warning(problem, "if the bridge is not in this VLAN: \(remedy("\(vlan)"))")]
    }

    private static func unplugged(_ interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis {
        let mac = "\(interface.mac)"
        let finding = examined.assembled.findings.first { $0.element == "devices/interface" && $0.problem.contains(mac) }
        if let finding {
            // One that can never be served is not an error where the guest has others.
            let isOnly = !examined.instance.interfaces.contains { $0.bridge != nil }
            let remedy = "attach the interface to a network or bridge: \(examined.virsh) edit \(examined.word)"
            return isOnly ? .error(finding.problem, remedy) : .warning(finding.problem, remedy)
        }
        guard let network = interface.networkName else {
            return .error("interface \(mac) has no bridge", "\(examined.virsh) domiflist \(examined.word)")
        }
        return examined.host.unreadableNetworks[network] == nil
            ? inactive(network, of: interface, examined)
            : .error("the bridge of interface \(mac) is not known", "\(examined.virsh) domiflist \(examined.word)")
    }

    /// Why the server does not serve a bridge.
    private func checkServed(_ bridge: String, _ interface: NetworkInterface, _ examined: ExaminedDomain) -> Diagnosis? {
        let selection = configuration.interception.selection
        let isSelected =
            selection.isOptIn || selection.servesAll || selection.bridges.contains(bridge)
            || selection.networks.contains { LibvirtName($0) == interface.networkName }
        guard isSelected else {
            if let misspelt = Self.misspelt(selection.networks, interface, examined) { return misspelt }
            let names = selection.networks.map { "network \($0)" } + selection.bridges.map { "bridge \($0)" }
            return .error(
                "the configuration serves only \(names.joined(separator: ", ")), and interface \(interface.mac) is on \(bridge)",
                "add \(bridge) to 'bridge' in \(Configuration.defaultFile); then: sudo systemctl restart virt-metadata")
        }
        let server = examined.host.server
        guard let served = server.bridges, !served.contains(bridge) else { return nil }
        // The bridge is served as soon as the domain runs.
        if server.isOptIn, !examined.isRunning { return nil }
        if server.isOptIn, interface.bridge == nil {
            return .error(
                "bridge \(bridge) of tap \(interface.tap ?? "") is not served: an interface of type 'ethernet' does not name its "
                    + "bridge, so no enabled domain selects this bridge",
                "add \(bridge) to 'bridge' in \(Configuration.defaultFile); then: sudo systemctl restart virt-metadata")
        }
        if server.isOptIn, examined.instance.enabledBy == nil {
            return .note(
                "bridge \(bridge) is not served: no enabled domain is running on it",
                command("enable \(examined.word)\(examined.isEnabledByDefinition ? " --restart" : "")"))
        }
        return .error("the server does not serve bridge \(bridge)", "sudo journalctl -u virt-metadata")
    }

    /// - Parameter command: the command that sets the state of a link of the domain.
    static func checkLink(_ interface: NetworkInterface, of instance: Instance, _ command: String) -> Diagnosis? {
        guard interface.isDown else { return nil }
        let isOnly = !instance.interfaces.contains { $0.bridge != nil && !$0.isDown }
        let problem = "the link of interface \(interface.mac) is down in the domain's XML"
        let remedy = "\(command) \(interface.mac) up"
        return isOnly ? .error(problem, remedy) : .warning(problem, remedy)
    }

    private static func checkTap(
        _ tap: String, of bridge: Link, _ interface: NetworkInterface, _ examined: ExaminedDomain
    ) -> Diagnosis? {
        guard let port = try? examined.host.link(named: tap) else {
            return .error(
                "tap \(tap) of interface \(interface.mac) does not exist on this host",
                examined.restart)
        }
        guard port.master == bridge.index else {
            return .error(
                "tap \(tap) of interface \(interface.mac) is not on bridge \(bridge.name)",
                "sudo ip link set \(tap.shellWord) master \(bridge.name.shellWord)")
        }
        return port.isUp ? nil : .error("tap \(tap) is down", "sudo ip link set \(tap.shellWord) up")
    }

    /// Whether the guests of a network have a route to the metadata address: their default route, or one from DHCP.
    static func checkRoute(_ name: String, _ xml: String) -> [Diagnosis] {
        guard let network = try? XMLDocument(parsing: Array(xml.utf8)).root else { return [] }
        let forward = network.first("forward")
        let isIsolated = forward.map { $0.attribute("mode") == "none" } ?? true
        let options = DHCPOption.all(in: network)
        // dnsmasq tells its own address, or what the last option of the network says.
        let hasRouter = options.last(where: \.isRouter).map(\.hasValue) ?? !isIsolated
        guard !hasRouter, !options.contains(where: { $0.isRoutes && $0.hasValue }) else { return [] }
        let subject = isIsolated ? "isolated network \(name)" : "network \(name)"
        return [
            .warning(
                "\(subject) does not advertise a route to \(MetadataAddress.v4); most guests will not reach it",
                "let its DHCP server send option 121: \(DocumentationPage.path("networks.md")), \"Isolated networks\"")
        ]
    }
}
