import Common
import Foundation
import Identity
import Testing

@Suite struct TokenAuthorityTests {
    private let authority = TokenAuthority(key: [UInt8](repeating: 7, count: TokenAuthority.keyBytes))
    private let instance = InstanceUUID("11111111-2222-3333-4444-555555555555")
    private let other = InstanceUUID("11111111-2222-3333-4444-555555555556")
    private let now: Int64 = 1_800_000_000

    private func token(lifetime: Int = 60, nonce: UInt8 = 0) throws -> String {
        try #require(authority).token(
            for: try #require(instance), lifetime: lifetime, at: now,
            nonce: [UInt8](repeating: nonce, count: TokenAuthority.nonceBytes))
    }

    private func accepts(_ token: String, of instance: InstanceUUID? = nil, after seconds: Int64 = 0) throws -> Bool {
        try #require(authority).expiry(of: token, for: try #require(instance ?? self.instance), at: now + seconds) != nil
    }

    @Test func `a token is valid from its first second to its last`() throws {
        for lifetime in [1, 60, 21_600] {
            let token = try token(lifetime: lifetime)
            #expect(try accepts(token))
            #expect(try accepts(token, after: Int64(lifetime) - 1))
            #expect(try !accepts(token, after: Int64(lifetime)))
            #expect(try !accepts(token, after: 1 << 40))
        }
    }

    @Test func `a token is short, and has only characters that a header may have`() throws {
        let token = try token(lifetime: 21_600)
        #expect(token.utf8.count == 68)
        #expect(token.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") })
    }

    @Test func `two tokens of one second differ`() throws {
        let (one, two) = (try token(nonce: 1), try token(nonce: 2))
        #expect(one != two)
    }

    @Test func `another instance's token is invalid`() throws {
        let token = try token()
        #expect(try !accepts(token, of: other))
    }

    @Test func `another key's token is invalid, and the same key's is valid on another host`() throws {
        let key = { (byte: UInt8) in [UInt8](repeating: byte, count: TokenAuthority.keyBytes) }
        let token = try token()
        let instance = try #require(instance)
        let twin = try #require(TokenAuthority(key: key(7)))
        #expect(twin.expiry(of: token, for: instance, at: now) == now + 60)
        let other = try #require(TokenAuthority(key: key(8)))
        #expect(other.expiry(of: token, for: instance, at: now) == nil)
    }

    @Test func `a token with any one bit changed is invalid`() throws {
        let bytes = try #require(Data(base64Encoded: token()))
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(try !accepts(changed.base64EncodedString()), "bit \(bit)")
        }
    }

    @Test func `text that is no token is invalid`() throws {
        let token = try token()
        for text in [
            "", "x", " ", String(token.dropLast()), String(token.dropFirst()), token + "A", token + "=", token + "\n",
            " " + token,
            String(repeating: "A", count: 68), String(repeating: "=", count: 68), String(repeating: "é", count: 34),
            String(repeating: "\u{0}", count: 68), String(repeating: "A", count: 1 << 20), token + token,
        ] {
            #expect(try !accepts(text))
        }
    }

    @Test func `a token that would outlive its lifetime is invalid, because the clock was set back`() throws {
        let token = try token(lifetime: 300)
        // The clocks of two hosts may differ by a minute.
        #expect(try accepts(token, after: -60))
        #expect(try !accepts(token, after: -61))
        #expect(try !accepts(token, after: -86_400))
    }

    @Test func `a key of another length is refused`() {
        for count in [0, 31, 33] { #expect(TokenAuthority(key: [UInt8](repeating: 1, count: count)) == nil) }
    }
}
