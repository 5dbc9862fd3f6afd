import Common
import Testing

@Suite struct InstanceUUIDTests {
    @Test(arguments: [
        "83679162-1378-4288-a2d4-70e13ec132aa", "83679162137842 88a2d470e13ec132aa".filter { $0 != " " },
        "83679162-1378-4288-A2D4-70E13EC132AA", "8367-9162-13784288a2d470e1-3ec132aa",
    ]) func `thirty-two digits are read in either case, with hyphens anywhere`(text: String) {
        #expect(InstanceUUID(text)?.description == "83679162-1378-4288-a2d4-70e13ec132aa")
        #expect(InstanceUUID(text)?.digits == "8367916213784288a2d470e13ec132aa")
    }

    @Test func `leading zeroes are digits`() {
        #expect(InstanceUUID("00000000-0000-4000-0000-000000000001")?.description == "00000000-0000-4000-0000-000000000001")
    }

    @Test(arguments: [
        "", "83679162-1378-4288-a2d4-70e13ec132a", "83679162-1378-4288-a2d4-70e13ec132aab",
        "83679162-1378-4288-a2d4-70e13ec132ag",
        "+3679162-1378-4288-a2d4-70e13ec132aa", "{83679162-1378-4288-a2d4-70e13ec132aa}", " 83679162-1378-4288-a2d4-70e13ec132aa",
    ]) func `anything else is not a UUID`(text: String) {
        #expect(InstanceUUID(text) == nil)
    }

    @Test func `sixteen octets are read in the order of the digits`() throws {
        let uuid = try #require(InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa"))
        #expect(uuid.octets.first == 0x83 && uuid.octets.last == 0xAA)
        #expect(InstanceUUID(octets: uuid.octets) == uuid)
        #expect(InstanceUUID(octets: uuid.octets.dropLast()) == nil)
        #expect(InstanceUUID(octets: uuid.octets + [0]) == nil)
    }
}
