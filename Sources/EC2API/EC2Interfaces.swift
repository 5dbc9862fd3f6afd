import Common

/// The path of the interfaces.
let ec2InterfacesPath = "meta-data/network/interfaces/macs"

/// The entries of one interface, below `network/interfaces/macs/<mac>/`: each name, the version that introduced it, and how it is
/// read. The versions are those of Amazon's table of categories (see ``ec2Schema``).
let ec2InterfaceRows: [InterfaceRow] = [
    InterfaceRow("device-number", since: .v2011_01_01) { .text(String($0.facts.deviceNumber)) },
    InterfaceRow("interface-id", since: .v2011_01_01) { .text(EC2Identifiers.interface($0.facts, of: $0.instance)) },
    InterfaceRow("ipv4-associations", since: .v2011_01_01) { question in
        // The private address behind a public one is known only if the operator sets the public one.
        guard let publicIPv4 = question.facts.publicIPv4, let local = question.addresses(.v4).first else { return nil }
        return Directory(leaves: [Tag(publicIPv4.description, local.address.description)]).map(Node.directory)
    },
    InterfaceRow("ipv6s", since: .v2016_06_30) { lines($0.addresses(.v6).map(\.address.description)) },
    InterfaceRow("local-hostname", since: .v2011_01_01) { .text($0.instance.hostname) },
    InterfaceRow("local-ipv4s", since: .v2011_01_01) { lines($0.addresses(.v4).map(\.address.description)) },
    InterfaceRow("mac", since: .v2011_01_01) { .text($0.facts.mac.description) },
    InterfaceRow("network-card", since: .v2021_01_03) { .text(String($0.facts.networkCard ?? 0)) },
    InterfaceRow("owner-id", since: .v2011_01_01) { .text(EC2Identifiers.owner(of: $0.instance)) },
    InterfaceRow("public-hostname", since: .v2011_01_01) { $0.publicIPv4 == nil ? nil : .text($0.instance.hostname) },
    InterfaceRow("public-ipv4s", since: .v2011_01_01) { ($0.publicIPv4?.description).map(Node.text) },
    InterfaceRow("security-group-ids", since: .v2011_01_01) {
        lines($0.instance.access.securityGroups.map(EC2Identifiers.securityGroup))
    },
    InterfaceRow("security-groups", since: .v2011_01_01) { lines($0.instance.access.securityGroups) },
    InterfaceRow("subnet-id", since: .v2011_01_01) { .text(EC2Identifiers.subnet(of: $0.facts, of: $0.instance)) },
    InterfaceRow("subnet-ipv4-cidr-block", since: .v2011_01_01) { ($0.subnets(.v4).first?.description).map(Node.text) },
    InterfaceRow("subnet-ipv4-cidr-blocks", since: .v2016_06_30) { lines($0.subnets(.v4).map(\.description)) },
    InterfaceRow("subnet-ipv6-cidr-blocks", since: .v2016_06_30) { lines($0.subnets(.v6).map(\.description)) },
    InterfaceRow("vpc-id", since: .v2011_01_01) { .text(EC2Identifiers.network(of: $0.facts, of: $0.instance)) },
    InterfaceRow("vpc-ipv4-cidr-block", since: .v2011_01_01) { ($0.networks(.v4).first?.description).map(Node.text) },
    InterfaceRow("vpc-ipv4-cidr-blocks", since: .v2016_06_30) { lines($0.networks(.v4).map(\.description)) },
    InterfaceRow("vpc-ipv6-cidr-blocks", since: .v2016_06_30) { lines($0.networks(.v6).map(\.description)) },
]

/// One row of the interface table.
struct InterfaceRow: Sendable {
    let name: String
    let since: EC2Version
    let read: @Sendable (InterfaceQuestion) -> Node?

    init(_ name: String, since: EC2Version, read: @escaping @Sendable (InterfaceQuestion) -> Node?) {
        (self.name, self.since, self.read) = (name, since, read)
    }
}

/// The input of a row of the interface table.
struct InterfaceQuestion: Sendable {
    /// The addresses of a family and the ranges around them, which several rows read.
    private struct Values {
        let addresses: [InterfaceAddress]
        let subnets, networks: [AddressRange]
    }

    let instance: Instance
    let facts: NetworkInterface
    let publicIPv4: IPAddress?
    private let ipv4, ipv6: Values

    /// - Parameter index: an index into the instance's interfaces.
    init(_ question: Question, of index: Int) {
        (instance, facts) = (question.instance, question.instance.interfaces[index])
        publicIPv4 = question.publicIPv4(of: index)
        ipv4 = Self.values(.v4, facts, question.addresses(of: index, .v4))
        ipv6 = Self.values(.v6, facts, question.addresses(of: index, .v6))
    }

    func addresses(_ family: IPAddress.Family) -> [InterfaceAddress] { values(family).addresses }

    /// The ranges of the subnet.
    func subnets(_ family: IPAddress.Family) -> [AddressRange] { values(family).subnets }

    /// The ranges of the network around the subnet.
    func networks(_ family: IPAddress.Family) -> [AddressRange] { values(family).networks }

    private func values(_ family: IPAddress.Family) -> Values { family == .v4 ? ipv4 : ipv6 }

    private static func values(
        _ family: IPAddress.Family, _ facts: NetworkInterface, _ addresses: [InterfaceAddress]
    ) -> Values {
        let subnets = subnets(family, facts, addresses)
        return Values(addresses: addresses, subnets: subnets, networks: networks(family, facts) ?? subnets)
    }

    /// The ranges of the subnet: the operator's, else the prefixes of the interface's addresses, else those of the libvirt
    /// network.
    private static func subnets(
        _ family: IPAddress.Family, _ facts: NetworkInterface, _ addresses: [InterfaceAddress]
    ) -> [AddressRange] {
        let configured = facts.subnetRanges.filter { $0.address.family == family }
        guard configured.isEmpty else { return configured }
        var known: Set<AddressRange> = []
        let own = addresses.compactMap { address in
            address.subnet ?? facts.network?.ranges.first { $0.contains(address.address) }
        }.filter { known.insert($0).inserted }
        guard own.isEmpty else { return own }
        return facts.network?.ranges.filter { $0.address.family == family } ?? []
    }

    /// The ranges of the network around the subnet: the operator's, else those of the libvirt network; `nil` for the subnet's.
    private static func networks(_ family: IPAddress.Family, _ facts: NetworkInterface) -> [AddressRange]? {
        for ranges in [facts.networkRanges, facts.network?.ranges ?? []] {
            let fitting = ranges.filter { $0.address.family == family }
            if !fitting.isEmpty { return fitting }
        }
        return nil
    }
}

/// The interfaces by MAC address in lower case.
///
/// cloud-init uses the whole directory as its network configuration, so either all interfaces are listed or none.
func interfaces(_ question: Question, _ version: EC2Version) -> Node? {
    let instance = question.instance
    var seen: Set<MACAddress> = []
    let members = instance.interfaceOrder.filter { seen.insert(instance.interfaces[$0].mac).inserted }.map { index in
        Directory.Member(instance.interfaces[index].mac.description, isDirectory: true) {
            let rowQuestion = InterfaceQuestion(question, of: index)
            return Directory(
                ec2InterfaceRows.filter { $0.since <= version }.compactMap { row in
                    row.read(rowQuestion).map { Directory.Member(row.name, $0) }
                }
            ).map(Node.directory)
        }
    }
    return Directory(members.sorted { $0.name < $1.name }).map(Node.directory)
}
