import Common

/// Derived EC2 identifiers, where the operator gives none; deterministic.
///
/// Each is a prefix and 17 hexadecimal digits; Amazon's begin with 0.
enum EC2Identifiers {
    /// The identifier of an interface: its MAC address and the first five digits of its domain's UUID.
    static func interface(_ interface: NetworkInterface, of instance: Instance) -> String {
        interface.identifiers.interface
            ?? "eni-" + hexadecimal(interface.mac.bits, digits: 12) + instance.domain.digits.prefix(5)
    }

    /// The network of an interface: one for each libvirt network, else one for each bridge, else one for the instance.
    static func network(of interface: NetworkInterface, of instance: Instance) -> String {
        interface.identifiers.network ?? "vpc-" + digits(ofNetwork: interface, instance)
    }

    /// The subnet of an interface: one in each network.
    static func subnet(of interface: NetworkInterface, of instance: Instance) -> String {
        interface.identifiers.subnet ?? "subnet-" + digits(ofNetwork: interface, instance)
    }

    /// The identifier of a security group, from its name.
    static func securityGroup(_ name: String) -> String { "sg-" + digits(of: name) }

    /// The account: the operator's value, else the project if it is an account number, else twelve digits derived from the
    /// project's name; zeros without a project.
    static func owner(of instance: Instance) -> String {
        if let owner = instance.launch.owner { return owner }
        guard let project = instance.launch.project else { return String(repeating: "0", count: accountDigits) }
        if project.utf8.count == accountDigits, project.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return project }
        let number = String(hash(project) % 1_000_000_000_000)
        return String(repeating: "0", count: accountDigits - number.utf8.count) + number
    }

    private static let accountDigits = 12

    private static func digits(ofNetwork interface: NetworkInterface, _ instance: Instance) -> String {
        if let network = interface.network {
            return InstanceUUID(network.uuid).map { String($0.digits.prefix(17)) } ?? digits(of: network.uuid)
        }
        return interface.bridge.map(digits) ?? String(instance.domain.digits.prefix(17))
    }

    private static func digits(of text: String) -> String { "0" + hexadecimal(hash(text), digits: 16) }

    private static func hexadecimal(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }

    /// FNV-1a with 64 bits (RFC 9923): not secret, but stable across hosts and versions.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
