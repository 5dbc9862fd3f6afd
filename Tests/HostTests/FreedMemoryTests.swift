import FoundationEssentials
import Glibc
import Host
import TestSupport
import Testing

@Suite(.enabled(if: !hasSanitizer, "A sanitizer has an allocator of its own."))
struct FreedMemoryTests {
    /// What this process has of its own, in KiB, by proc(5).
    private func anonymous() throws -> Int {
        let status = try #require(FileManager.default.contents(atPath: "/proc/self/status"))
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return try #require(line.flatMap { Int($0.filter(\.isNumber)) })
    }

    @Test func `free pages between used ones are returned to the kernel`() throws {
        // Less than what malloc asks the kernel for by itself, so all are of the heap; each is touched.
        var blocks: [[UInt8]?] = (0..<4096).map { _ in [UInt8](repeating: 1, count: 16 << 10) }
        for number in blocks.indices where number % 16 != 0 { blocks[number] = nil }
        let before = try anonymous()
        FreedMemory.giveBack()
        let after = try anonymous()
        #expect(before - after > 40 << 10, "\(before) and then \(after) KiB")
        #expect(blocks.count == 4096)
    }
}
