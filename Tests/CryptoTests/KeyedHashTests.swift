import Crypto
import TestSupport
import Testing

@Suite struct KeyedHashTests {
    @Test func `it equals the library's HMAC for any key and message`() {
        for keyBytes in [0, 1, 31, 32, 63, 64, 65, 128, 200] {
            for messageBytes in [0, 1, 35, 55, 56, 63, 64, 65, 200] {
                let key = (0..<keyBytes).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ messageBytes) }
                let message = (0..<messageBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ keyBytes) }
                let wanted = messageCode(of: message, key: key)
                let hash = KeyedHash(key: key)
                #expect(hash.code(of: message) == wanted)
                #expect(hash.code(of: message) == wanted, "it is not used up")
            }
        }
    }

    @Test func `codes are the same only if every bit is`() {
        let code = [UInt8](repeating: 9, count: 32)
        #expect(areSame(code, code))
        for bit in 0..<256 {
            var changed = code
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(!areSame(code, changed))
        }
        #expect(!areSame(code, code.dropLast()))
        #expect(!areSame([], code))
        #expect(areSame([], []))
    }

    private func areSame(_ code: [UInt8], _ other: [UInt8]) -> Bool { KeyedHash.areSame(code.span, other.span) }
}
