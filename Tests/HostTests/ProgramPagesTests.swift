import FoundationEssentials
import Host
import TestSupport
import Testing

@Suite(.enabled(if: !hasSanitizer, "A sanitizer maps memory of its own between the program's."))
struct ProgramPagesTests {
    private func lines(of file: String) throws -> [Substring] {
        let bytes = try #require(FileManager.default.contents(atPath: "/proc/self/" + file))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    /// What this process has mapped of files, in KiB, by proc(5).
    private func mapped() throws -> Int {
        let line = try lines(of: "status").first { $0.hasPrefix("RssFile:") }
        return try #require(line.flatMap { Int($0.filter(\.isNumber)) })
    }

    /// Reads a byte of each page of the largest piece of code, so that all of them are mapped, and gives how many KiB that is.
    private func readCode() throws -> Int {
        let pieces = try lines(of: "maps").filter { $0.contains(" r-xp ") && $0.contains("/") }.compactMap { line in
            let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
            return ends.count == 2 ? ends[0]..<ends[1] : nil
        }
        let largest = try #require(pieces.max { $0.count < $1.count })
        var sum = 0
        for address in stride(from: largest.lowerBound, to: largest.upperBound, by: 4096) {
            // Safe: the kernel has just said that it is mapped and may be read, and nothing is unloaded here.
            sum += unsafe UnsafeRawPointer(bitPattern: address).map { unsafe Int($0.load(as: UInt8.self)) } ?? 0
        }
        return sum < 0 ? 0 : largest.count / 1024
    }

    @Test func `code that was used is mapped no longer, and can be used again`() throws {
        let size = try readCode()
        let before = try mapped()
        ProgramPages.unmap()
        let after = try mapped()
        #expect(size > 1024 && before - after > size / 2, "\(size) KiB of code; \(before) and then \(after) KiB are mapped")
        #expect(try readCode() == size)
    }
}
