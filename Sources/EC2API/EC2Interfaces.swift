import Common

/// Where the interfaces are.
let ec2InterfacesPath = "meta-data/network/interfaces/macs"

/// What EC2 tells of one interface, below `network/interfaces/macs/<mac>/`: each place, the version that brought it, and how to read
/// it. Amazon's table of categories gives the versions (see ``ec2Schema``).
let ec2InterfacePlaces: [InterfacePlace] = [
    InterfacePlace("device-number", since: .v2011_01_01) { .text(String($0.facts.deviceNumber)) },
    InterfacePlace("interface-id", since: .v2011_01_01) { .text(EC2Identifiers.interface($0.facts, of: $0.instance)) },
    InterfacePlace("ipv4-associations", since: .v2011_01_01) { asking in
        // Which of its addresses a public one leads to is known where the operator gives it.
        guard let outside = asking.facts.publicIPv4, let inside = asking.addresses(.v4).first else { return nil }
        return Directory(leaves: [Tag(outside.description, inside.address.description)]).map(Node.directory)
    },
    InterfacePlace("ipv6s", since: .v2016_06_30) { lines($0.addresses(.v6).map(\.address.description)) },
    InterfacePlace("local-hostname", since: .v2011_01_01) { .text($0.instance.hostname) },
    InterfacePlace("local-ipv4s", since: .v2011_01_01) { lines($0.addresses(.v4).map(\.address.description)) },
    InterfacePlace("mac", since: .v2011_01_01) { .text($0.facts.mac.description) },
    InterfacePlace("network-card", since: .v2021_01_03) { .text(String($0.facts.networkCard ?? 0)) },
    InterfacePlace("owner-id", since: .v2011_01_01) { .text(EC2Identifiers.owner(of: $0.instance)) },
    InterfacePlace("public-hostname", since: .v2011_01_01) { $0.publicIPv4 == nil ? nil : .text($0.instance.hostname) },
    InterfacePlace("public-ipv4s", since: .v2011_01_01) { ($0.publicIPv4?.description).map(Node.text) },
    InterfacePlace("security-group-ids", since: .v2011_01_01) {
        lines($0.instance.securityGroups.map(EC2Identifiers.securityGroup))
    },
    InterfacePlace("security-groups", since: .v2011_01_01) { lines($0.instance.securityGroups) },
    InterfacePlace("subnet-id", since: .v2011_01_01) { .text(EC2Identifiers.subnet(of: $0.facts, of: $0.instance)) },
    InterfacePlace("subnet-ipv4-cidr-block", since: .v2011_01_01) { ($0.subnets(.v4).first?.description).map(Node.text) },
    InterfacePlace("subnet-ipv4-cidr-blocks", since: .v2016_06_30) { lines($0.subnets(.v4).map(\.description)) },
    InterfacePlace("subnet-ipv6-cidr-blocks", since: .v2016_06_30) { lines($0.subnets(.v6).map(\.description)) },
    InterfacePlace("vpc-id", since: .v2011_01_01) { .text(EC2Identifiers.network(of: $0.facts, of: $0.instance)) },
    InterfacePlace("vpc-ipv4-cidr-block", since: .v2011_01_01) { ($0.networks(.v4).first?.description).map(Node.text) },
    InterfacePlace("vpc-ipv4-cidr-blocks", since: .v2016_06_30) { lines($0.networks(.v4).map(\.description)) },
    InterfacePlace("vpc-ipv6-cidr-blocks", since: .v2016_06_30) { lines($0.networks(.v6).map(\.description)) },
]

/// One row of the table of an interface.
struct InterfacePlace: Sendable {
    let name: String
    let since: EC2Version
    let read: @Sendable (InterfaceQuestion) -> Node?

    init(_ name: String, since: EC2Version, read: @escaping @Sendable (InterfaceQuestion) -> Node?) {
        (self.name, self.since, self.read) = (name, since, read)
    }
}

/// What a row of the table of an interface is asked: about which one.
struct InterfaceQuestion: Sendable {
    let question: Question
    /// An index into the instance's interfaces.
    let index: Int

    var instance: Instance { question.instance }
    var facts: NetworkInterface { instance.interfaces[index] }
    var publicIPv4: IPAddress? { question.publicIPv4(of: index) }

    func addresses(_ family: IPAddress.Family) -> [InterfaceAddress] { question.addresses(of: index, family) }

    /// The ranges of its subnet: the operator's, else those of its addresses' prefixes, else the libvirt network's.
    func subnets(_ family: IPAddress.Family) -> [AddressRange] {
        let said = facts.subnetRanges.filter { $0.address.family == family }
        guard said.isEmpty else { return said }
        let own = addresses(family).compactMap { address in
            address.subnet ?? facts.network?.ranges.first { $0.contains(address.address) }
        }
        guard own.isEmpty else { return own.reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
        return facts.network?.ranges.filter { $0.address.family == family } ?? []
    }

    /// The ranges of the network that its subnet is part of: the operator's, else those of the libvirt network, else the subnet's.
    func networks(_ family: IPAddress.Family) -> [AddressRange] {
        for ranges in [facts.networkRanges, facts.network?.ranges ?? []] {
            let fitting = ranges.filter { $0.address.family == family }
            if !fitting.isEmpty { return fitting }
        }
        return subnets(family)
    }
}

/// The interfaces by hardware address, in small letters, as guests see them.
///
/// cloud-init takes the whole as the network's configuration, so each interface is there, or none.
func interfaces(_ question: Question, _ version: EC2Version) -> Node? {
    let instance = question.instance
    var seen: Set<MACAddress> = []
    let members = instance.interfaceOrder.filter { seen.insert(instance.interfaces[$0].mac).inserted }.map { index in
        Directory.Member(instance.interfaces[index].mac.description, isDirectory: true) {
            let asked = InterfaceQuestion(question: question, index: index)
            return Directory(
                ec2InterfacePlaces.filter { $0.since <= version }.compactMap { place in
                    place.read(asked).map { Directory.Member(place.name, $0) }
                }
            ).map(Node.directory)
        }
    }
    return Directory(members.sorted { $0.name < $1.name }).map(Node.directory)
}
