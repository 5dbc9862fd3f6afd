import Common
import Testing

@Suite struct QuestionTests {
    private let operators = IPAddress("192.0.2.1")
    private let reservation = IPAddress("192.0.2.2")
    private let caller = IPAddress("192.0.2.3")
    private let lease = IPAddress("192.0.2.4")

    /// An interface of which everything is known.
    private func known() -> NetworkInterface {
        var interface = NetworkInterface.example()
        interface.addresses = [operators].compactMap { $0.map { InterfaceAddress($0) } }
        (interface.reservation, interface.lease) = (reservation, lease)
        return interface
    }

    private func question(_ interfaces: [NetworkInterface], address: IPAddress? = nil, interface: Int? = nil) -> Question {
        Question(about: .example(interfaces: interfaces), address: address, interface: interface, entropy: .system)
    }

    @Test func `the operator's word comes first, then the reservation, the caller's own address, and a lease`() {
        var interface = known()
        let address = { (interface: NetworkInterface) in question([interface], address: caller, interface: 0).address(of: 0, .v4)
        }
        #expect(address(interface) == operators)
        interface.addresses = []
        #expect(address(interface) == reservation)
        interface.reservation = nil
        #expect(address(interface) == caller)
        #expect(question([interface]).address(of: 0, .v4) == lease)
        interface.lease = nil
        #expect(question([interface]).address(of: 0, .v4) == nil)
    }

    @Test func `the caller's address is that of the interface it asks by alone`() {
        var second = NetworkInterface.example(2)
        second.lease = lease
        let asking = question([.example(1), second], address: caller, interface: 0)
        #expect(asking.address(of: 0, .v4) == caller)
        #expect(asking.address(of: 1, .v4) == lease)
        let other = question([.example(1), second], address: caller, interface: 1)
        #expect(other.address(of: 0, .v4) == nil)
        #expect(other.address(of: 1, .v4) == caller)
    }

    @Test func `each family has an address of its own, and a link-local one is none`() {
        var interface = NetworkInterface.example()
        interface.addresses = ["fe80::7", "2001:db8::7", "2001:db8::8"].compactMap { InterfaceAddress($0) }
        interface.lease = lease
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
        #expect(question([known(), .example(2)], address: caller, interface: 1).localAddress(.v4) == operators)
        #expect(question([.example(1), known()], address: caller, interface: 0).localAddress(.v4) == caller)
    }

    @Test func `the public address is the operator's word, else the one the guest asks from`() {
        var second = NetworkInterface.example(2)
        #expect(question([.example(), second], address: caller, interface: 0).publicIPv4 == caller)
        #expect(question([.example(), second]).publicIPv4 == nil)
        second.publicIPv4 = operators
        #expect(question([.example(), second], address: caller, interface: 0).publicIPv4 == operators)
        #expect(question([.example(), second]).publicIPv4 == operators)
    }

    @Test func `a lease is wanted where DHCP would tell what nothing else does`() {
        var interface = NetworkInterface.example()
        #expect(question([interface]).networksWithUnknownAddresses == [])
        interface.network = NetworkReference(name: "default", uuid: "u", offersDHCP: true)
        #expect(question([interface]).networksWithUnknownAddresses == ["default"])
        #expect(question([interface], address: caller, interface: 0).networksWithUnknownAddresses == [])
        interface.network = NetworkReference(name: "default", uuid: "u", offersDHCP: false)
        #expect(question([interface]).networksWithUnknownAddresses == [])
    }

    @Test func `the system's entropy has as many bytes as are asked for, and others each time`() {
        #expect(Entropy.system.bytes(0) == [])
        #expect(Entropy.system.bytes(512).count == 512)
        #expect(Entropy.system.bytes(10_000).count == 10_000)
        let pieces = (0..<1_000).map { _ in Entropy.system.bytes(24) }
        #expect(Set(pieces).count == 1_000)
        #expect(pieces.allSatisfy { $0.count == 24 })
    }
}
