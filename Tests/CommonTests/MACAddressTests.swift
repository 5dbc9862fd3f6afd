import Common
import Testing

@Suite struct MACAddressTests {
    @Test(arguments: ["52:54:00:1a:2b:3c", "52:54:00:1A:2B:3C", "52-54-00-1a-2b-3c"])
    func `six pairs of digits are read in either case, between colons or hyphens`(text: String) {
        #expect(MACAddress(text)?.description == "52:54:00:1a:2b:3c")
        #expect(MACAddress(text)?.octets == [0x52, 0x54, 0, 0x1A, 0x2B, 0x3C])
        #expect(MACAddress(text)?.bits == 0x5254_001A_2B3C)
    }

    @Test(arguments: [
        "", "52:54:00:1a:2b", "52:54:00:1a:2b:3c:4d", "52:54:0:1a:2b:3c", "5254001a2b3c", "52:54:00:1a:2b:3g",
        "52:54:00:1a:2b:3c ",
        "52:54:00:1a:2b:", ":::::", "+5:54:00:1a:2b:3c", "５２:54:00:1a:2b:3c",
    ]) func `anything else is no hardware address`(text: String) {
        #expect(MACAddress(text) == nil)
    }

    @Test func `six octets are required`() {
        #expect(MACAddress(octets: [0x52, 0x54, 0, 0x1A, 0x2B, 0x3C]) == MACAddress("52:54:00:1a:2b:3c"))
        #expect(MACAddress(octets: [1, 2, 3, 4, 5]) == nil)
        #expect(MACAddress(octets: [1, 2, 3, 4, 5, 6, 7]) == nil)
        #expect(MACAddress(bits: 0xFFFF_0000_0000_0001) == MACAddress(bits: 1))
    }

    @Test(arguments: [
        ("52:54:00:00:00:01", true), ("00:00:00:00:00:00", false), ("ff:ff:ff:ff:ff:ff", false), ("01:00:5e:00:00:01", false),
        ("33:33:00:00:00:01", false), ("02:00:00:00:00:00", true),
    ]) func `a group address or zero names no interface`(text: String, names: Bool) throws {
        #expect(try #require(MACAddress(text)).namesOneInterface == names)
    }

    @Test(arguments: [
        ("52:54:00:1a:2b:3c", "52:54:00:1a:2b:3c"), ("52:54:0:1a:2B:3", "52:54:00:1a:2b:03"), ("52-54-00-1a-2b-3c", nil),
        ("5254001a2b3c", nil), ("52:54:00:1a:2b", nil), ("52:54:00:1a:2b:3c:4d", nil), ("52:54::1a:2b:3c", nil),
        ("52:54:00:1a:2b:3c4", nil), ("52:54:00:1a:2b: 3", nil), ("52:54:00:1a:2b:+3", nil), ("", nil),
    ]) func `libvirt reads groups of one digit too, and no hyphens`(text: String, expected: String?) {
        #expect(MACAddress.ofLibvirt(text)?.description == expected)
    }
}
