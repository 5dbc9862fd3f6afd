package import Common
package import XML

/// Assembles an instance from its domain's XML, its networks and the defaults.
package struct InstanceAssembly: Sendable {
    /// An instance, and the findings in its XML.
    package struct Assembled: Sendable {
        package let instance: Instance
        /// Unusable values and notes, ordered by line.
        package let findings: [Finding]
    }

    /// By name.
    let networks: [LibvirtName: NetworkXML]
    /// The addresses last leased by DHCP, by the name of the network.
    private let leases: [LibvirtName: [MACAddress: [IPAddress]]]
    private let defaults: InstanceDefaults
    private let readsBare: Bool
    /// Whether to examine what a guest would stumble over at its first boot, for an operator to read.
    private let lints: Bool

    package init(
        networks: [LibvirtName: NetworkXML], leases: [LibvirtName: [MACAddress: [IPAddress]]], defaults: InstanceDefaults,
        readsBare: Bool,
        lints: Bool = false
    ) {
        self.lints = lints
        (self.networks, self.leases, self.defaults, self.readsBare) = (networks, leases, defaults, readsBare)
    }

    /// For domains and networks that are read from files.
    ///
    /// - Parameters:
    ///   - networks: the XML of the networks that the domains use.
    ///   - defaults: values for elements that a domain's XML lacks.
    ///   - readsBare: whether to read elements without a namespace too, which libvirt drops.
    /// - Throws: ``DescriptionError`` if one of them is not a network.
    package init(
        networks: [[UInt8]] = [], defaults: InstanceDefaults = InstanceDefaults(), readsBare: Bool = true
    ) throws(DescriptionError) {
        var read: [LibvirtName: NetworkXML] = [:]
        for xml in networks {
            let network = try NetworkXML(Self.document(xml).root)
            read[network.name] = network
        }
        self.init(networks: read, leases: [:], defaults: defaults, readsBare: readsBare, lints: true)
    }

    /// For domains and networks as libvirt has them. A network whose XML cannot be used is left out, and does not keep the others from being used.
    ///
    /// - Parameter networks: their XML, by name.
    /// - Returns: the assembly, and what is wrong with those that are left out.
    package static func reading(
        _ networks: [LibvirtName: String], defaults: InstanceDefaults
    ) -> (assembly: InstanceAssembly, unusable: [LibvirtName: DescriptionError]) {
        var (read, unusable): ([LibvirtName: NetworkXML], [LibvirtName: DescriptionError]) = ([:], [:])
        for (name, xml) in networks {
            do throws(DescriptionError) {
                read[name] = try NetworkXML(document(Array(xml.utf8)).root)
            } catch {
                unusable[name] = error
            }
        }
        return (InstanceAssembly(networks: read, leases: [:], defaults: defaults, readsBare: false, lints: true), unusable)
    }

    /// The most elements of a domain: about a hundred times those of the largest real domains. Domains are read one after the other, so
    /// one author's XML must not delay the others'.
    private static let mostElements = 50_000

    /// Assembles the instance of a domain.
    ///
    /// - Parameters:
    ///   - xml: the domain's XML; that of the running domain, if it runs.
    ///   - edited: the definition for the next start; if given, title and instance element are read from it.
    /// - Throws: ``DescriptionError`` if the XML cannot be used at all.
    package func assemble(_ xml: [UInt8], edited: [UInt8]? = nil) throws(DescriptionError) -> Assembled {
        try assemble(xml, edited: edited, explains: false).assembled
    }

    /// - Parameter explains: whether to record where the values come from.
    func assemble(
        _ xml: [UInt8], edited: [UInt8]?, explains: Bool
    ) throws(DescriptionError) -> (assembled: Assembled, metadata: OperatorMetadata) {
        let live = try Self.document(xml, elements: Self.mostElements).root
        let definition =
            try edited.map { bytes throws(DescriptionError) in try Self.document(bytes, elements: Self.mostElements).root }
            ?? live
        // A file that libvirt has not seen is the one that may have elements without a namespace, too.
        let domain = try DomainXML(live, isDraft: readsBare)
        var metadata = OperatorMetadata(in: definition, readsBare: readsBare)
        metadata.findings = domain.generated + metadata.findings
        if explains { metadata.beginExplaining(OperatorMetadata.element(in: definition, readsBare: readsBare)) }
        let searchDomain = complete(&metadata, of: domain)
        let title = definition.first("title")?.trimmedText ?? ""
        // Each of these calls adds findings; findings of one line keep this order.
        let virtualLinks = virtualLinks(of: domain, &metadata)
        var interfaces = interfaces(of: domain, &metadata)
        var machine = domain.machine
        machine.disks = disks(of: domain, &metadata)
        let names = Self.names(of: domain, title: title, metadata, searchDomain: searchDomain)
        expectAddresses(of: &interfaces, domain, names)
        metadata.documents.networkConfiguration = Self.passedConfiguration(on: &interfaces, &metadata)
        let instance = Instance(
            names: names,
            launch: Self.launch(of: domain, metadata), access: metadata.access, documents: metadata.documents, machine: machine,
            interfaces: interfaces, virtualLinks: virtualLinks, sessions: metadata.sessions,
            password: PasswordElement.text(in: live),
            enabledBy: .present(in: live, definition: definition, uuid: domain.hardwareUUID ?? domain.uuid))
        if instance.documents.networkConfiguration == nil {
            let links = instance.guestLinks
            metadata.findings += networkNotes(on: links, domain.interfaces)
            metadata.findings += unusedValues(on: links, of: instance, metadata)
            metadata.findings += Self.linkOptionNotes(on: links, metadata)
            metadata.findings += Self.addressNotes(on: links, of: instance, metadata)
        } else {
            metadata.findings += Self.replacedValues(metadata)
        }
        if lints {
            metadata.findings += Self.firstBootNotes(on: instance, live, metadata)
            metadata.findings += DomainReview.findings(in: live, definition)
        }
        return (Assembled(instance: instance, findings: metadata.findings.ordered().bounded()), metadata)
    }

    /// Completes the operator's values by what is told to many.
    ///
    /// - Returns: the domain to append to host names without a dot.
    private func complete(_ metadata: inout OperatorMetadata, of domain: DomainXML) -> String? {
        let attachments = domain.interfaces.map { interface in
            InstanceDefaults.Attachment(
                network: interface.network, bridge: bridge(of: interface), line: interface.line,
                metadata: interface.network.flatMap { networks[$0]?.metadata })
        }
        let searchDomain = defaults.complete(&metadata, for: attachments)
        for interface in domain.interfaces {
            metadata.completeInterface(
                interface.mac, line: interface.line, network: interface.network, bridge: bridge(of: interface))
        }
        metadata.documents.userData = UserDataParts.combined(metadata.userDataParts, &metadata.findings)
        return searchDomain
    }

    private static func names(
        of domain: DomainXML, title: String, _ metadata: OperatorMetadata, searchDomain: String?
    ) -> InstanceNames {
        let hostname = metadata.hostname ?? Hostname.derived(from: domain.name) ?? "instance-" + domain.uuid.digits.prefix(8)
        return InstanceNames(
            domain: domain.uuid, domainName: domain.name, libvirtID: domain.id, uuid: domain.hardwareUUID ?? domain.uuid,
            id: metadata.id ?? "i-" + domain.uuid.digits.prefix(17), name: metadata.name ?? (title.isEmpty ? domain.name : title),
            hostname: Hostname.completed(hostname, by: searchDomain))
    }

    private static func launch(of domain: DomainXML, _ metadata: OperatorMetadata) -> LaunchFacts {
        var launch = LaunchFacts(type: metadata.type ?? "virt.\(domain.vcpus)c-\(domain.memoryMiB)m")
        launch.images = metadata.images
        launch.index = metadata.launchIndex ?? launch.index
        launch.action = metadata.action ?? launch.action
        launch.placement = metadata.placement
        (launch.project, launch.owner, launch.provider) = (metadata.project, metadata.owner, metadata.provider)
        return launch
    }

    private func interfaces(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [NetworkInterface] {
        let own = Set(domain.interfaces.map(\.mac))
        for (mac, values) in metadata.interfaces where !own.contains(mac) {
            let problem = "the domain has no interface \(mac)"
            metadata.findings.append(Finding(.unusable, line: values.line, element: "interfaces/interface", problem))
        }
        metadata.findings += domain.interfaces.compactMap { interface in
            Self.unreachable(interface, on: interface.network.flatMap { networks[$0] })
        }
        metadata.findings += domain.interfaces.flatMap { Self.unprintableNames($0, bridge: bridge(of: $0)) }
        let numbers = Self.deviceNumbers(of: domain, metadata)
        return zip(domain.interfaces, numbers).map { described, number in
            let network = described.network.flatMap { networks[$0] }
            let values = metadata.interfaces[described.mac]
            var interface = NetworkInterface(mac: described.mac)
            interface.tap = Self.tapKinds.contains(described.type) ? described.tap.flatMap(Self.printable) : nil
            interface.queues = described.queues
            interface.bridge = bridge(of: described).flatMap(Self.printable)
            interface.network = network?.reference
            interface.networkName = described.network
            interface.device = described.device
            interface.vlan = described.vlan ?? (described.hasVLANs ? nil : network?.vlan(of: described.portGroup))
            interface.isTrusted = described.isTrusted
            interface.isDown = described.isDown
            interface.mayLackServer = Self.privateKinds.contains(described.type) || network?.forwardMode == "hostdev"
            interface.isAnsweredByHypervisor = described.type == "user"
            interface.tags = values?.tags ?? []
            interface.configuration = values?.configuration ?? LinkConfiguration()
            interface.deviceNumber = number
            interface.networkCard = values?.networkCard
            interface.identifiers = values?.identifiers ?? InterfaceIdentifiers()
            interface.subnetRanges = values?.subnetRanges ?? []
            interface.networkRanges = values?.networkRanges ?? []
            interface.mtu = values?.configuration.mtu ?? described.mtu ?? network?.mtu
            interface.publicIPv4 = values?.publicIPv4
            interface.reservations = network?.hosts.addresses(of: described.mac) ?? []
            interface.leases = network.flatMap { leases[$0.name]?[described.mac] } ?? []
            return interface
        }
    }

    /// Adds the addresses that networks reserve for the guest's host name or DHCPv6 identifier. A guest has one identifier for all of
    /// its interfaces, so an address for it is expected on the first one of the network.
    private func expectAddresses(of interfaces: inout [NetworkInterface], _ domain: DomainXML, _ names: InstanceNames) {
        var expecting: Set<LibvirtName> = []
        let all = domain.interfaces.map(\.mac)
        for index in interfaces.indices {
            guard let name = domain.interfaces[index].network, let network = networks[name] else { continue }
            let mac = interfaces[index].mac
            let expected = network.hosts.addresses(named: names.hostname, uuid: names.uuid, hardware: all, on: mac)
            guard !expected.isEmpty, expecting.insert(name).inserted else { continue }
            let taken = Set(interfaces[index].reservations.map(\.family))
            interfaces[index].expectedAddresses = expected.filter { !taken.contains($0.family) }
        }
    }

    /// The name of a link, unless Swift might compare it equal to another link's name (canonical equivalence).
    private static func printable(_ name: String) -> String? { LinkName.isPrintable(name) ? name : nil }

    private static func unprintableNames(_ interface: DomainXML.Interface, bridge: String?) -> [Finding] {
        [(tapKinds.contains(interface.type) ? interface.tap : nil, "target"), (bridge, "source")].compactMap { name, element in
            guard let name, printable(name) == nil else { return nil }
            let problem =
                "'\(shown(name))' is not served: expected a link name of 1 to 15 printable ASCII characters"
            return Finding(.unusable, line: interface.line, element: "devices/interface/\(element)", problem)
        }
    }

    private func bridge(of interface: DomainXML.Interface) -> String? {
        interface.bridge ?? interface.network.flatMap { networks[$0]?.bridge }
    }

    /// The operator's numbers, and for the other interfaces the lowest free numbers, in the order of the domain's XML.
    private static func deviceNumbers(of domain: DomainXML, _ metadata: OperatorMetadata) -> [Int] {
        let assigned = domain.interfaces.map { metadata.interfaces[$0.mac]?.deviceNumber }
        let taken = Set(assigned.compactMap(\.self))
        var free = (0...).lazy.filter { !taken.contains($0) }.makeIterator()
        return assigned.map { $0 ?? free.next() ?? 0 }
    }

    /// The interface types that have a tap. For other types libvirt keeps any `<target dev>` that the XML's author wrote.
    private static let tapKinds: Set = ["bridge", "network", "ethernet"]

    /// The interface types whose other end may be anything: a device of the host, a tunnel, or nothing.
    private static let privateKinds: Set = [
        "hostdev", "vdpa", "vhostuser", "udp", "server", "client", "mcast", "internal", "null",
    ]

    /// The root disk is the one with the lowest boot order, else the first.
    private func disks(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [Disk] {
        let targets = Set(domain.disks.map(\.target))
        for (target, values) in metadata.disks where !targets.contains(target) {
            let problem = "the domain has no disk '\(shown(target))'"
            metadata.findings.append(Finding(.unusable, line: values.line, element: "disks/disk", problem))
        }
        let ordered = domain.disks.filter { $0.bootOrder != nil }.min { ($0.bootOrder ?? 0) < ($1.bootOrder ?? 0) }
        let root = (ordered ?? domain.disks.first)?.target
        return domain.disks.map { described in
            let values = metadata.disks[described.target]
            var disk = Disk(target: described.target, role: values?.role, isRoot: described.target == root)
            (disk.serial, disk.device, disk.tags) = (described.serial, described.device, values?.tags ?? [])
            return disk
        }
    }

    package static func document(
        _ xml: [UInt8], elements: Int = XMLDocument.maximumElements
    ) throws(DescriptionError) -> XMLDocument {
        do {
            return try XMLDocument(parsing: xml, elements: elements)
        } catch {
            throw DescriptionError(line: error.line ?? 1, error.problem)
        }
    }
}
