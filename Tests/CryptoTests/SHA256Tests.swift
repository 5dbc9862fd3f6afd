import Crypto
import Testing

@Suite struct SHA256Tests {
    /// NIST's examples (FIPS 180-4).
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `a digest is that of the standard`(text: String, digest: String) {
        #expect(hexadecimal(SHA256.digest(of: Array(text.utf8))) == digest)
    }

    @Test func `bytes may come in pieces, and a copy goes its own way`() {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0) }
        for cut in [0, 1, 63, 64, 65, 199, 200] {
            var hash = SHA256()
            hash.update(Array(bytes[..<cut]))
            var copy = hash
            hash.update(Array(bytes[cut...]))
            copy.update([1])
            #expect(hash.digest() == SHA256.digest(of: bytes))
            #expect(copy.digest() == SHA256.digest(of: bytes[..<cut] + [1]))
        }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
