import Common
import Testing

@Suite struct AddressRangeTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3/8", "10.9.9.9", true),
        ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false), ("0.0.0.0/0", "::ffff:1.2.3.4", true),
        ("192.0.2.1/32", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.0", false), ("192.0.2.0/31", "192.0.2.1", true),
        ("192.0.2.0/31", "192.0.2.2", false), ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
        ("128.0.0.0/1", "128.0.0.1", true), ("128.0.0.0/1", "127.0.0.1", false),
        ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", false), ("2001:db8::1/128", "2001:db8::1", true),
        ("2001:db8::1/128", "2001:db8::2", false), ("2001:db8::1/127", "2001:db8::", true),
        ("2001:db8::/64", "2001:db8::ffff", true),
        ("2001:db8::/64", "2001:db8:0:1::", false), ("2001:db8::/63", "2001:db8:0:1::", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:0", true), ("fe80::/10", "fe80::1%eth0", true), ("::1", "::1", true),
        ("::1", "::2", false),
    ]) func `a range holds the addresses that share its prefix`(range: String, address: String, holds: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(try #require(IPAddress(address))) == holds)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0",
        "10.0.0.0 /8",
        "10.0.0.0/ 8", "::/129", "10/8", "fe80::1%eth0/64", "10.0.0.0/٨", "::ffff:10.0.0.0/24", "::ffff:10.0.0.0/104",
        "10.0.0.0/99999999999999999999",
    ]) func `what is no range is not read`(text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test func `a range is written with its prefix length`() {
        #expect(AddressRange("10.1.2.3/8")?.description == "10.1.2.3/8")
        #expect(AddressRange("10.1.2.3")?.description == "10.1.2.3/32")
        #expect(AddressRange("2001:DB8::")?.description == "2001:db8::/128")
    }
}
