import Common
import Testing

@testable import Identity

@Suite struct TokenMemoryTests {
    private func instance(_ number: Int) throws -> InstanceUUID {
        let digits = String(number, radix: 16)
        return try #require(InstanceUUID(String(repeating: "0", count: 32 - digits.count) + digits))
    }

    @Test func `a valid token is remembered until it expires, for its own instance`() throws {
        let memory = TokenMemory()
        let (one, other) = (try instance(1), try instance(2))
        #expect(!memory.knows("a", of: one, at: 0))
        memory.remember("a", of: one, until: 60, at: 0)
        #expect(memory.knows("a", of: one, at: 59))
        #expect(!memory.knows("a", of: one, at: 60))
        #expect(!memory.knows("a", of: other, at: 0))
        #expect(!memory.knows("b", of: one, at: 0))
        memory.remember("b", of: one, until: 60, at: 0)
        #expect(memory.knows("b", of: one, at: 0) && !memory.knows("a", of: one, at: 0))
    }

    @Test func `tokens are compared by bytes`() throws {
        let (memory, one) = (TokenMemory(), try instance(1))
        memory.remember("caf\u{E9}", of: one, until: 60, at: 0)
        #expect(memory.knows("caf\u{E9}", of: one, at: 0))
        // To Swift these are equal.
        #expect(!memory.knows("cafe\u{301}", of: one, at: 0))
        for text in ["", "caf", "caf\u{E9}x", "Caf\u{E9}", "caf\u{E8}"] { #expect(!memory.knows(text, of: one, at: 0)) }
    }

    @Test func `it drops all tokens rather than grow without end`() throws {
        let memory = TokenMemory()
        for number in 0..<5000 { memory.remember("a", of: try instance(number), until: 60, at: 0) }
        let known = try (0..<5000).filter { memory.knows("a", of: try instance($0), at: 0) }
        #expect(known == Array(4096..<5000))
    }

    @Test func `expired sessions are dropped`() throws {
        let memory = TokenMemory()
        for number in 0..<4000 { memory.remember("a", of: try instance(number), until: Int64(number) + 60, at: Int64(number)) }
        #expect(memory.remembered <= 2 * 61)
        #expect(try memory.knows("a", of: instance(3999), at: 4000))
    }
}
