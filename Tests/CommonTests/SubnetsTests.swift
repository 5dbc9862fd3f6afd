import Testing

@testable import Common

struct SubnetsTests {
    @Test(arguments: [
        ("192.0.2.9", true), ("192.0.3.9", false), ("10.9.9.9", true), ("11.0.0.1", false), ("2001:db8::7", true),
        ("2001:db8:1::7", false), ("198.51.100.1", true), ("198.51.100.2", false), ("2001:db8::7%eth0", true),
        ("::10.9.9.9", false),
    ]) func `an address is in any of the ranges, as each of them says`(text: String, isIn: Bool) throws {
        let texts = ["192.0.2.1/24", "10.0.0.0/8", "2001:db8::1/64", "198.51.100.1", "192.0.2.0/25"]
        let ranges = texts.compactMap(AddressRange.init)
        #expect(ranges.count == 5)
        let address = try #require(IPAddress(text))
        #expect(Subnets(ranges).contains(address) == isIn)
        #expect(ranges.contains { $0.contains(address) } == isIn)
        #expect(!Subnets([]).contains(address))
    }

    @Test func `a range of length zero contains its family`() throws {
        let all = Subnets(["0.0.0.0/0"].compactMap(AddressRange.init))
        #expect(all.contains(try #require(IPAddress("203.0.113.1"))))
        #expect(!all.contains(try #require(IPAddress("2001:db8::1"))))
    }
}
