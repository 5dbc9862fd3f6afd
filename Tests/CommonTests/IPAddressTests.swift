import Common
import Testing

@Suite struct IPAddressTests {
    @Test(
        arguments: [
            ("192.0.2.1", "192.0.2.1", .v4), ("0.0.0.0", "0.0.0.0", .v4), ("255.255.255.255", "255.255.255.255", .v4),
            ("::", "::", .v6), ("::1", "::1", .v6), ("2001:DB8:0:0:0:0:0:10", "2001:db8::10", .v6),
            ("fe80::a9fe:a9fe%eth0", "fe80::a9fe:a9fe%eth0", .v6), ("fe80::1%br0%x", "fe80::1%br0%x", .v6),
            ("2001:db8::192.0.2.1", "2001:db8::c000:201", .v6), ("::ffff:192.0.2.1", "192.0.2.1", .v4),
            ("::ffff:c000:201", "192.0.2.1", .v4), ("::FFFF:0:0", "0.0.0.0", .v4), ("::192.0.2.1", "::192.0.2.1", .v6),
            ("::fffe:192.0.2.1", "::fffe:c000:201", .v6), ("::ffff:192.0.2.1%eth0", "192.0.2.1", .v4),
        ] as [(String, String, IPAddress.Family)]) func `an address is read and shown in its shortest form`(
            text: String, shown: String, family: IPAddress.Family
        ) throws
    {
        let address = try #require(IPAddress(text))
        #expect(address.description == shown)
        #expect(address.family == family)
        #expect(IPAddress(octets: address.octets, zone: address.zone) == address)
        #expect(address.octets.count == (family == .v4 ? 4 : 16))
    }

    @Test(arguments: [
        "", " ", "192.0.2", "192.0.2.256", "192.0.2.1.1", "192.0.2.01", " 192.0.2.1", "192.0.2.1 ", "192.0.2.1/24",
        "192.0.2.1%eth0",
        "0x7f.1", "2130706433", "1:2", "::1%", "%eth0", ":::", "2001:db8::1::2", "g::1", "[::1]", "192.0.2.1\0", "١.٢.٣.٤",
        "localhost",
    ]) func `what is no address is not read`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `octets are read in the order of the wire`() {
        #expect(IPAddress(octets: [192, 0, 2, 1]) == IPAddress("192.0.2.1"))
        #expect(IPAddress(octets: [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [7]) == IPAddress("2001:db8::7"))
        #expect(IPAddress(v4: 0xC000_0201) == IPAddress("192.0.2.1"))
        #expect(IPAddress("192.0.2.1")?.octets == [192, 0, 2, 1])
        for count in [0, 3, 5, 15, 17] { #expect(IPAddress(octets: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test func `a mapped address is its IPv4 address, wherever it comes from`() {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1]
        #expect(IPAddress(octets: mapped) == IPAddress("192.0.2.1"))
        #expect(IPAddress(octets: mapped, zone: "eth0")?.zone == nil)
    }

    @Test func `the zone belongs to the address`() throws {
        let address = try #require(IPAddress("fe80::1%br0"))
        #expect(address.zone == "br0")
        #expect(address != IPAddress("fe80::1%br1") && address != IPAddress("fe80::1"))
        #expect(address.withoutZone == IPAddress("fe80::1"))
        #expect(IPAddress("192.0.2.1")?.withoutZone == IPAddress("192.0.2.1"))
    }

    @Test(arguments: [
        ("fe80::1", true), ("febf:ffff::", true), ("fe7f:ffff::", false), ("fec0::", false), ("2001:db8::1", false),
        ("169.254.169.254", false),
    ]) func `link-local is fe80::/10`(text: String, isLinkLocal: Bool) throws {
        #expect(try #require(IPAddress(text)).isLinkLocal == isLinkLocal)
    }

    @Test func `addresses of two families are never the same`() {
        #expect(IPAddress("0.0.0.1") != IPAddress("::1"))
    }
}
