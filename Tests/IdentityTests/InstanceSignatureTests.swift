import Identity
import Testing

@Suite struct InstanceSignatureTests {
    private let id = "83679162-1378-4288-a2d4-70e13ec132aa"
    /// Made by Nova's own code, with the secret `s3kr1t`.
    private let novas = "cb88281be6a3fb0696d1cf2424ceabdc765de1899a2417928939484696798319"

    @Test func `Nova's signature is valid for its instance, and for no other`() throws {
        let signature = try #require(InstanceSignature(secret: Array("s3kr1t".utf8)))
        #expect(signature.isValid(novas, of: id))
        #expect(!signature.isValid(novas, of: id.uppercased()))
        #expect(!signature.isValid(novas, of: ""))
        let other = try #require(InstanceSignature(secret: Array("s3kr1T".utf8)))
        #expect(!other.isValid(novas, of: id))
    }

    @Test func `a text that is not 64 lower-case hexadecimal digits is invalid`() throws {
        let signature = try #require(InstanceSignature(secret: Array("s3kr1t".utf8)))
        for text in [
            "", "00", novas.uppercased(), String(novas.dropLast()), novas + "0", " " + novas, String(repeating: "é", count: 32),
        ] {
            #expect(!signature.isValid(text, of: id))
        }
    }

    @Test func `an empty secret is refused`() {
        #expect(InstanceSignature(secret: []) == nil)
    }
}
