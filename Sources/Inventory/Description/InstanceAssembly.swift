public import Common
import XML

/// The facts of one domain, from which its instance is put together.
public struct InstanceAssembly: Sendable {
    /// An instance and what its operator should know of it.
    public struct Assembled: Sendable {
        /// The instance.
        public let instance: Instance
        /// What was left out of it and why, in the order of the lines.
        public let findings: [Finding]
    }

    /// The networks by name, from their XML.
    private let networks: [String: NetworkXML]
    /// The addresses that DHCP last gave, by the name of the network.
    private let leases: [String: [MACAddress: IPAddress]]
    private let defaults: InstanceDefaults
    private let readsBare: Bool

    init(
        networks: [String: NetworkXML], leases: [String: [MACAddress: IPAddress]], defaults: InstanceDefaults, readsBare: Bool
    ) {
        (self.networks, self.leases, self.defaults, self.readsBare) = (networks, leases, defaults, readsBare)
    }

    /// For domains and networks that are read from files.
    ///
    /// - Parameters:
    ///   - networks: the XML of the networks that the domains may name.
    ///   - defaults: what they say whose operators have left it out.
    ///   - readsBare: whether elements without a namespace are read too, which libvirt drops.
    /// - Throws: ``DescriptionError`` if one of them is no network.
    public init(
        networks: [[UInt8]] = [], defaults: InstanceDefaults = InstanceDefaults(), readsBare: Bool = true
    ) throws(DescriptionError) {
        var read: [String: NetworkXML] = [:]
        for xml in networks {
            let network = try NetworkXML(Self.document(xml).root)
            read[network.name] = network
        }
        self.init(networks: read, leases: [:], defaults: defaults, readsBare: readsBare)
    }

    /// Puts together the instance of a domain.
    ///
    /// - Parameters:
    ///   - xml: the domain's XML; the running one, if it runs.
    ///   - edited: the definition for the next start, from which title and instance element are taken if it is given.
    /// - Throws: ``DescriptionError`` if no instance can be made of it at all.
    public func assemble(_ xml: [UInt8], edited: [UInt8]? = nil) throws(DescriptionError) -> Assembled {
        let live = try Self.document(xml).root
        let words = try edited.map { bytes throws(DescriptionError) in try Self.document(bytes).root } ?? live
        let domain = try DomainXML(live)
        var metadata = OperatorMetadata(in: words, readsBare: readsBare)
        let searchDomain = defaults.complete(&metadata, for: domain.interfaces.map { ($0.network, bridge(of: $0)) })
        let hostname = metadata.hostname ?? Hostname.nearest(to: domain.name) ?? "instance-" + domain.uuid.digits.prefix(8)
        let title = words.first("title")?.trimmedText ?? ""
        let instance = Instance(
            domain: domain.uuid, domainName: domain.name, uuid: domain.hardwareUUID ?? domain.uuid,
            id: metadata.id ?? "i-" + domain.uuid.digits.prefix(17), name: metadata.name ?? (title.isEmpty ? domain.name : title),
            hostname: Hostname.completed(hostname, by: searchDomain),
            type: metadata.type ?? "virt.\(domain.vcpus)c-\(domain.memoryMiB)m", placement: metadata.placement,
            images: metadata.images, launchIndex: metadata.launchIndex ?? 0, action: metadata.action ?? "none",
            project: metadata.project, owner: metadata.owner, platform: domain.platform, words: metadata.words,
            credentials: metadata.credentials, publicKeys: metadata.publicKeys, securityGroups: metadata.securityGroups,
            tags: metadata.tags, userData: metadata.userData, vendorData: metadata.vendorData, additional: metadata.additional,
            files: metadata.files, dedicatedProcessors: domain.dedicatedProcessors, shares: domain.shares,
            virtualLinks: virtualLinks(of: domain, &metadata), interfaces: interfaces(of: domain, &metadata),
            disks: disks(of: domain, &metadata),
            sessions: metadata.sessions, password: PasswordElement.text(in: live))
        return Assembled(instance: instance, findings: metadata.findings.sorted { $0.line < $1.line })
    }

    private func interfaces(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [NetworkInterface] {
        for (mac, words) in metadata.interfaces where !domain.interfaces.contains(where: { $0.mac == mac }) {
            let problem = "the domain has no interface \(mac)"
            metadata.findings.append(Finding(.unusable, line: words.line, element: "interfaces/interface", problem))
        }
        metadata.findings += domain.interfaces.compactMap(Self.unreachable)
        let numbers = Self.deviceNumbers(of: domain, metadata)
        return zip(domain.interfaces, numbers).map { described, number in
            let network = described.network.flatMap { networks[$0] }
            let words = metadata.interfaces[described.mac]
            var interface = NetworkInterface(mac: described.mac)
            interface.tap = described.tap
            interface.bridge = bridge(of: described)
            interface.network = network?.reference
            interface.device = described.device
            interface.vlan = described.vlan
            interface.isTrusted = described.isTrusted
            interface.tags = words?.tags ?? []
            interface.configuration = words?.configuration ?? LinkConfiguration()
            interface.deviceNumber = number
            interface.networkCard = words?.networkCard
            interface.identifiers = words?.identifiers ?? InterfaceIdentifiers()
            interface.subnetRanges = words?.subnetRanges ?? []
            interface.networkRanges = words?.networkRanges ?? []
            interface.mtu = words?.configuration.mtu ?? described.mtu ?? network?.mtu
            interface.publicIPv4 = words?.publicIPv4
            interface.reservation = network?.reservations[described.mac]
            interface.lease = network.flatMap { leases[$0.name]?[described.mac] }
            return interface
        }
    }

    private func bridge(of interface: DomainXML.Interface) -> String? {
        interface.bridge ?? interface.network.flatMap { networks[$0]?.bridge }
    }

    /// The links that the guest is to make, of interfaces that it has and of bonds that are given; a bond comes before what is on it.
    private func virtualLinks(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [VirtualLink] {
        let own = Set(domain.interfaces.map(\.mac))
        var bonds: [String: MACAddress] = [:]
        var links: [VirtualLink] = []
        for words in metadata.virtualLinks.filter(\.isBond) + metadata.virtualLinks.filter({ !$0.isBond }) {
            do throws(UnusableLink) {
                let mac = try words.hardwareAddress(among: own, bonds)
                if words.isBond { bonds[words.name] = mac }
                links.append(
                    VirtualLink(name: words.name, kind: words.kind, mac: mac, configuration: words.configuration))
            } catch {
                metadata.findings.append(Finding(.unusable, line: words.line, element: words.element, error.problem))
            }
        }
        return links
    }

    /// The operator's numbers, and for the others the lowest that are free, in the order of the domain's XML.
    private static func deviceNumbers(of domain: DomainXML, _ metadata: OperatorMetadata) -> [Int] {
        let said = domain.interfaces.map { metadata.interfaces[$0.mac]?.deviceNumber }
        let taken = Set(said.compactMap(\.self))
        var free = (0...).lazy.filter { !taken.contains($0) }.makeIterator()
        return said.map { $0 ?? free.next() ?? 0 }
    }

    /// How interfaces are plugged in of which no bridge ever sees a packet.
    private static let bridgeless = [
        "direct": "macvtap", "hostdev": "a device of the host", "user": "user-mode networking or passt", "vdpa": "vDPA",
        "vhostuser": "a switch in user space", "null": "nothing",
    ]

    /// What is to be known of an interface that no bridge listener can serve.
    private static func unreachable(_ interface: DomainXML.Interface) -> Finding? {
        guard let kind = bridgeless[interface.type] else { return nil }
        let problem =
            "\(interface.mac) is of type '\(interface.type)' (\(kind)): no bridge sees its requests, so they are not served"
        return Finding(.note, line: interface.line, element: "devices/interface", problem)
    }

    /// The disk with the lowest boot order is the root, else the first one.
    private func disks(of domain: DomainXML, _ metadata: inout OperatorMetadata) -> [Disk] {
        for (target, words) in metadata.disks where !domain.disks.contains(where: { $0.target == target }) {
            let problem = "the domain has no disk '\(shown(target))'"
            metadata.findings.append(Finding(.unusable, line: words.line, element: "disks/disk", problem))
        }
        let ordered = domain.disks.filter { $0.bootOrder != nil }.min { ($0.bootOrder ?? 0) < ($1.bootOrder ?? 0) }
        let root = (ordered ?? domain.disks.first)?.target
        return domain.disks.map { described in
            let words = metadata.disks[described.target]
            var disk = Disk(target: described.target, role: words?.role, isRoot: described.target == root)
            (disk.serial, disk.device, disk.tags) = (described.serial, described.device, words?.tags ?? [])
            return disk
        }
    }

    static func document(_ xml: [UInt8]) throws(DescriptionError) -> XMLDocument {
        do {
            return try XMLDocument(parsing: xml)
        } catch {
            throw DescriptionError(line: error.line ?? 1, error.message)
        }
    }
}

/// Why a link that the guest is to make cannot be made.
private struct UnusableLink: Error {
    let problem: String
}

extension OperatorMetadata.LinkWords {
    fileprivate var isBond: Bool {
        if case .bond = kind { true } else { false }
    }

    /// Its own hardware address, else that of what it is made of, which has to be there.
    fileprivate func hardwareAddress(
        among interfaces: Set<MACAddress>, _ bonds: [String: MACAddress]
    ) throws(UnusableLink) -> MACAddress {
        let base: MACAddress
        switch kind {
        case .bond(_, let members, _):
            guard let first = members.first else { throw UnusableLink(problem: "has no <member>") }
            if let stranger = members.first(where: { !interfaces.contains($0) }) {
                throw UnusableLink(problem: "the domain has no interface \(stranger)")
            }
            base = first
        case .vlan(_, .interface(let mac)):
            guard interfaces.contains(mac) else { throw UnusableLink(problem: "the domain has no interface \(mac)") }
            base = mac
        case .vlan(_, .bond(let name)):
            guard let mac = bonds[name] else { throw UnusableLink(problem: "there is no bond '\(shown(name))'") }
            base = mac
        }
        return mac ?? base
    }
}
