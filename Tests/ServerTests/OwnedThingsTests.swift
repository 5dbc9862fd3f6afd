import Common
import Testing

@testable import Server

struct OwnedThingsTests {
    private let bridge = OwnedThings.Bridge(name: "virbr0", index: 7)

    private var things: OwnedThings {
        var things = OwnedThings()
        things.tables = ["bridge", "inet"]
        things.bridges = ["virbr0", "br0"]
        for address in [MetadataAddress.v4] + MetadataAddress.v6 {
            things.addresses.insert(OwnedThings.Address(bridge: bridge, address: address))
        }
        things.learning = [bridge]
        return things
    }

    @Test func `what is written is read as it was`() throws {
        #expect(try OwnedThings(things.bytes) == things)
        #expect(try OwnedThings(OwnedThings().bytes).isEmpty)
    }

    @Test func `the file is for people too`() {
        var things = OwnedThings()
        things.learning = [bridge]
        #expect(
            String(decoding: things.bytes, as: UTF8.self)
                == "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [], "
                + "\"learning\": [{\"bridge\": \"virbr0\", \"index\": 7}]}\n")
    }

    @Test func `a file cut off anywhere is malformed`() {
        let whole = things.bytes
        for length in 0..<whole.count - 1 {
            #expect(throws: OwnedThings.Malformed.self) { try OwnedThings(Array(whole.prefix(length))) }
        }
    }

    @Test(arguments: [
        "{}", "[]", "{\"version\": 2, \"tables\": [], \"bridges\": [], \"addresses\": [], \"learning\": []}",
        "{\"version\": 1, \"tables\": [1], \"bridges\": [], \"addresses\": [], \"learning\": []}",
        "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [{\"bridge\": \"a\", \"index\": 0, \"address\": \"::\"}], \"learning\": []}",
        "{\"version\": 1, \"tables\": [], \"bridges\": [], \"addresses\": [{\"bridge\": \"a\", \"index\": 1, \"address\": \"x\"}], \"learning\": []}",
    ]) func `what is no record of ours is malformed`(text: String) {
        #expect(throws: OwnedThings.Malformed.self) { try OwnedThings(Array(text.utf8)) }
    }
}
