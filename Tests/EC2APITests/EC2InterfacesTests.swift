import Common
import EC2API
import Testing

@Suite struct EC2InterfacesTests {
    private static let macs = "/latest/meta-data/network/interfaces/macs"

    /// An interface with this last octet of its MAC address.
    private func interface(_ last: UInt64 = 0xAB, _ change: (inout NetworkInterface) -> Void = { _ in }) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0000 | last))
        change(&interface)
        return interface
    }

    private func read(
        _ name: String, _ interfaces: [NetworkInterface], groups: [String] = [], from address: String? = nil,
        version: String = "latest"
    ) -> String? {
        EC2APITests.read(
            "/\(version)/meta-data/network/interfaces/macs/52:54:00:00:00:ab/\(name)",
            .example(groups: groups, interfaces: interfaces), from: address)
    }

    @Test func `without an interface there is no network, with one it is complete`() {
        #expect(EC2APITests.read("/latest/meta-data/network", .example()) == nil)
        #expect(EC2APITests.read("/latest/meta-data/mac", .example()) == nil)
        let listing = read("", [interface()])?.split(separator: "\n").map(String.init) ?? []
        #expect(Set(["mac", "device-number", "interface-id", "vpc-id", "subnet-id"]).isSubset(of: listing))
    }

    @Test func `interfaces are listed by MAC address in lower case only`() {
        let instance = Instance.example(interfaces: [interface(0xAB), interface(0x01)])
        #expect(EC2APITests.read(Self.macs, instance) == "52:54:00:00:00:01/\n52:54:00:00:00:ab/")
        #expect(EC2APITests.read("\(Self.macs)/52:54:00:00:00:AB", instance) == nil)
        #expect(EC2APITests.read("\(Self.macs)/52:54:00:00:00:ab/mac", instance) == "52:54:00:00:00:ab")
    }

    @Test func `a MAC address of two interfaces is listed once`() {
        #expect(EC2APITests.read(Self.macs, .example(interfaces: [interface(), interface()])) == "52:54:00:00:00:ab/")
    }

    @Test func `the first interface is the one with the lowest number`() {
        let interfaces = [
            interface(1) { ($0.deviceNumber, $0.addresses) = (1, [InterfaceAddress("192.0.2.1")].compactMap(\.self)) },
            interface(2) { ($0.deviceNumber, $0.addresses) = (0, [InterfaceAddress("192.0.2.2")].compactMap(\.self)) },
        ]
        let instance = Instance.example(interfaces: interfaces)
        #expect(EC2APITests.read("/latest/meta-data/mac", instance) == "52:54:00:00:00:02")
        #expect(EC2APITests.read("/latest/meta-data/local-ipv4", instance) == "192.0.2.2")
        #expect(EC2APITests.read("\(Self.macs)/52:54:00:00:00:01/device-number", instance) == "1")
    }

    @Test func `addresses are all of the operator's, else the client's`() {
        let configured = [
            interface { $0.addresses = ["192.0.2.7/24", "2001:db8::7", "192.0.2.8"].compactMap { InterfaceAddress($0) } }
        ]
        #expect(read("local-ipv4s", configured, from: "192.0.2.99") == "192.0.2.7\n192.0.2.8")
        #expect(read("ipv6s", configured) == "2001:db8::7")
        #expect(read("ipv6s", configured, version: "2016-04-19") == nil)
        #expect(read("local-ipv4s", [interface()], from: "192.0.2.99") == "192.0.2.99")
        #expect(read("local-ipv4s", [interface()]) == nil)
        #expect(read("ipv6s", [interface()], from: "fe80::1") == nil)
    }

    @Test func `a public address is the operator's, and is listed with its private one`() {
        let known = [
            interface {
                $0.publicIPv4 = IPAddress("203.0.113.5")
                $0.addresses = [InterfaceAddress("192.0.2.7")].compactMap(\.self)
            }
        ]
        #expect(read("public-ipv4s", known, from: "192.0.2.7") == "203.0.113.5")
        #expect(read("public-hostname", known) == "web.example")
        #expect(read("ipv4-associations", known) == "203.0.113.5")
        #expect(read("ipv4-associations/203.0.113.5", known) == "192.0.2.7")
        // If only the guest's own address is known, no private address is behind it.
        #expect(read("public-ipv4s", [interface()], from: "192.0.2.7") == "192.0.2.7")
        #expect(read("ipv4-associations", [interface()], from: "192.0.2.7") == nil)
        #expect(read("public-ipv4s", [interface()]) == nil)
        #expect(read("public-hostname", [interface()]) == nil)
    }

    @Test func `a subnet is the operator's, else the prefix of an address, else the network's`() {
        var network = NetworkReference(name: "n", uuid: "u", offersDHCP: true)
        network.hostAddresses = ["198.51.100.1/24", "192.0.2.1/25", "2001:db8::1/64"].compactMap { InterfaceAddress($0) }
        let inNetwork = interface { $0.network = network }
        #expect(read("subnet-ipv4-cidr-block", [inNetwork]) == "198.51.100.0/24")
        #expect(read("subnet-ipv4-cidr-block", [inNetwork], from: "192.0.2.9") == "192.0.2.0/25")
        #expect(read("vpc-ipv4-cidr-block", [inNetwork], from: "192.0.2.9") == "198.51.100.0/24")
        #expect(read("vpc-ipv4-cidr-blocks", [inNetwork]) == "198.51.100.0/24\n192.0.2.0/25")
        #expect(read("subnet-ipv6-cidr-blocks", [inNetwork]) == "2001:db8::/64")
        #expect(read("vpc-ipv6-cidr-blocks", [inNetwork]) == "2001:db8::/64")

        let withPrefixes = interface {
            $0.addresses = ["192.0.2.200/26", "192.0.2.201/26", "10.1.2.3/8"].compactMap { InterfaceAddress($0) }
        }
        #expect(read("subnet-ipv4-cidr-block", [withPrefixes]) == "192.0.2.192/26")
        #expect(read("subnet-ipv4-cidr-blocks", [withPrefixes]) == "192.0.2.192/26\n10.0.0.0/8")
        #expect(read("vpc-ipv4-cidr-block", [withPrefixes]) == "192.0.2.192/26")

        let configured = interface {
            $0.network = network
            $0.subnetRanges = ["10.0.1.0/24", "fd00::/64"].compactMap { AddressRange($0) }
            $0.networkRanges = ["10.0.0.0/16"].compactMap { AddressRange($0) }
        }
        #expect(read("subnet-ipv4-cidr-block", [configured], from: "192.0.2.9") == "10.0.1.0/24")
        #expect(read("subnet-ipv6-cidr-blocks", [configured]) == "fd00::/64")
        #expect(read("vpc-ipv4-cidr-block", [configured]) == "10.0.0.0/16")
        #expect(read("subnet-ipv4-cidr-block", [interface()], from: "192.0.2.9") == nil)
    }

    @Test func `derived identifiers are deterministic`() {
        let network = { (uuid: String) in NetworkReference(name: "n", uuid: uuid, offersDHCP: true) }
        let inNetwork = interface { $0.network = network("5d9b8f4e-3b0f-4c69-8d57-3d2c6a1f0b11") }
        #expect(read("interface-id", [inNetwork]) == "eni-5254000000ab83679")
        #expect(read("vpc-id", [inNetwork]) == "vpc-5d9b8f4e3b0f4c698")
        #expect(read("subnet-id", [inNetwork]) == "subnet-5d9b8f4e3b0f4c698")
        let onBridge = interface { $0.bridge = "br0" }
        #expect(read("vpc-id", [onBridge]) == "vpc-000796419136f7b9f")
        #expect(read("subnet-id", [onBridge]) == "subnet-000796419136f7b9f")
        #expect(read("vpc-id", [interface()]) == "vpc-8367916213784288a")
        #expect(read("security-group-ids", [interface()], groups: ["web"]) == "sg-05ea0e11948721ef1")
        #expect(read("security-groups", [interface()], groups: ["web", "db"]) == "web\ndb")
        #expect(read("security-groups", [interface()]) == nil)
    }

    @Test func `identifiers are the operator's where given`() {
        let configured = interface {
            ($0.identifiers.interface, $0.identifiers.network, $0.identifiers.subnet) = ("eni-1", "vpc-1", "subnet-1")
            $0.networkCard = 2
        }
        #expect(read("interface-id", [configured]) == "eni-1")
        #expect(read("vpc-id", [configured]) == "vpc-1")
        #expect(read("subnet-id", [configured]) == "subnet-1")
        #expect(read("network-card", [configured]) == "2")
        #expect(read("network-card", [interface()]) == "0")
        #expect(read("network-card", [interface()], version: "2020-10-27") == nil)
    }

    @Test func `an owner is the operator's, else the project, in twelve digits`() {
        let owner = { (project: String?, owner: String?) in
            EC2APITests.read(
                "\(Self.macs)/52:54:00:00:00:ab/owner-id", .example(project: project, owner: owner, interfaces: [interface()]))
        }
        #expect(owner("p", "me") == "me")
        #expect(owner("123456789012", nil) == "123456789012")
        #expect(owner(nil, nil) == "000000000000")
        let derived = owner("a project", nil)
        #expect(derived?.count == 12 && derived?.allSatisfy(\.isNumber) == true)
        #expect(derived == owner("a project", nil) && derived != owner("another", nil))
    }

    @Test func `before 2011 there are no interfaces`() {
        let instance = Instance.example(interfaces: [interface()])
        #expect(EC2APITests.read("/2009-04-04/meta-data/network", instance) == nil)
        #expect(EC2APITests.read("/2011-01-01/meta-data/network", instance) == "interfaces/")
    }
}
