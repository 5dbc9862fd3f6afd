import Common
import Testing

@Suite struct QuestionTests {
    private let operators = IPAddress("192.0.2.1")
    private let reservation = IPAddress("192.0.2.2")
    private let client = IPAddress("192.0.2.3")
    private let lease = IPAddress("192.0.2.4")
    private let expected = IPAddress("192.0.2.5")

    /// An interface with every property set.
    private func known() -> NetworkInterface {
        var interface = NetworkInterface.example()
        interface.addresses = [operators].compactMap { $0.map { InterfaceAddress($0) } }
        interface.reservations = [reservation].compactMap(\.self)
        interface.leases = [lease].compactMap(\.self)
        interface.expectedAddresses = [expected].compactMap(\.self)
        return interface
    }

    private func question(_ interfaces: [NetworkInterface], address: IPAddress? = nil, interface: Int? = nil) -> Question {
        Question(about: .example(interfaces: interfaces), address: address, interface: interface, entropy: .system)
    }

    @Test
    func `an address is the operator's, else the reservation, the client's address, a lease, what the guest's name is given`() {
        var interface = known()
        let address = { (interface: NetworkInterface) in question([interface], address: client, interface: 0).address(of: 0, .v4)
        }
        #expect(address(interface) == operators)
        interface.addresses = []
        #expect(address(interface) == reservation)
        interface.reservations = []
        #expect(address(interface) == client)
        #expect(question([interface]).address(of: 0, .v4) == lease)
        interface.leases = []
        #expect(question([interface]).address(of: 0, .v4) == expected)
        #expect(address(interface) == client)
        interface.expectedAddresses = []
        #expect(question([interface]).address(of: 0, .v4) == nil)
    }

    @Test func `the client's address belongs only to the interface of the request`() {
        var second = NetworkInterface.example(2)
        second.leases = [lease].compactMap(\.self)
        let asking = question([.example(1), second], address: client, interface: 0)
        #expect(asking.address(of: 0, .v4) == client)
        #expect(asking.address(of: 1, .v4) == lease)
        let other = question([.example(1), second], address: client, interface: 1)
        #expect(other.address(of: 0, .v4) == nil)
        #expect(other.address(of: 1, .v4) == client)
    }

    @Test func `each family has its own address, and link-local addresses are ignored`() {
        var interface = NetworkInterface.example()
        interface.addresses = ["fe80::7", "2001:db8::7", "2001:db8::8"].compactMap { InterfaceAddress($0) }
        interface.leases = [lease].compactMap(\.self)
        #expect(question([interface]).address(of: 0, .v6) == IPAddress("2001:db8::7"))
        #expect(question([interface]).address(of: 0, .v4) == lease)
        let linkLocal = question([.example()], address: IPAddress("fe80::1%br0"), interface: 0)
        #expect(linkLocal.address(of: 0, .v6) == nil)
        #expect(linkLocal.localAddress(.v4) == nil)
        #expect(linkLocal.publicIPv4 == nil)
    }

    @Test func `the local address is the first interface's that has one`() {
        #expect(question([]).localAddress(.v4) == nil)
        #expect(question([.example(1), known()]).localAddress(.v4) == operators)
        #expect(question([known(), .example(2)], address: client, interface: 1).localAddress(.v4) == operators)
        #expect(question([.example(1), known()], address: client, interface: 0).localAddress(.v4) == client)
    }

    @Test func `the public address is the operator's, else the client's`() {
        var second = NetworkInterface.example(2)
        #expect(question([.example(), second], address: client, interface: 0).publicIPv4 == client)
        #expect(question([.example(), second]).publicIPv4 == nil)
        second.publicIPv4 = operators
        #expect(question([.example(), second], address: client, interface: 0).publicIPv4 == operators)
        #expect(question([.example(), second]).publicIPv4 == operators)
    }

    @Test func `a lease is needed if only DHCP knows the address`() {
        let networks = { (interfaces: NetworkInterface...) in
            Instance.example(interfaces: interfaces).networksWithUnknownAddresses
        }
        var interface = NetworkInterface.example()
        #expect(networks(interface) == [])
        interface.network = NetworkReference(name: "default", uuid: "u", offersDHCP: true)
        #expect(networks(interface) == ["default"])
        #expect(networks(known(), interface) == ["default"])
        for known in [\NetworkInterface.leases, \.reservations] {
            var other = interface
            other[keyPath: known] = [lease].compactMap(\.self)
            #expect(networks(other) == [])
            other[keyPath: known] = ["2001:db8::1"].compactMap { IPAddress($0) }
            #expect(networks(other) == ["default"])
        }
        // What the guest's name is given is no knowledge.
        interface.expectedAddresses = [expected].compactMap(\.self)
        #expect(networks(interface) == ["default"])
        interface.network = NetworkReference(name: "default", uuid: "u", offersDHCP: false)
        #expect(networks(interface) == [])
        interface.network?.ipv6 = .slaac
        #expect(networks(interface) == [])
        interface.network?.ipv6 = .stateful
        #expect(networks(interface) == ["default"])
        interface.leases = ["2001:db8::1"].compactMap { IPAddress($0) }
        #expect(networks(interface) == [])
    }

    @Test func `the known address never comes from the client`() {
        #expect(Instance.example(interfaces: [.example()]).knownAddress(.v4) == nil)
        #expect(Instance.example(interfaces: [.example(1), known()]).knownAddress(.v4) == operators)
        var interface = known()
        interface.addresses = ["fe80::1"].compactMap { InterfaceAddress($0) }
        #expect(Instance.example(interfaces: [interface]).knownAddress(.v4) == reservation)
        #expect(Instance.example(interfaces: [interface]).knownAddress(.v6) == nil)
    }

    @Test func `the system's entropy returns the requested count of different bytes`() {
        #expect(Entropy.system.bytes(0) == [])
        #expect(Entropy.system.bytes(512).count == 512)
        #expect(Entropy.system.bytes(10_000).count == 10_000)
        let pieces = (0..<1_000).map { _ in Entropy.system.bytes(24) }
        #expect(Set(pieces).count == 1_000)
        #expect(pieces.allSatisfy { $0.count == 24 })
    }
}
