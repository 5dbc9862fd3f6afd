import Common
import Foundation
import TestSupport
import Testing

@testable import Host

struct PrivateFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "virt-metadata-\(UUID())").path
    private var path: String { "\(folder)/secret" }

    /// Runs a test in a directory that is removed after it.
    private func inFolder(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body()
    }

    @Test(arguments: [0, 0o022, 0o277] as [mode_t]) func `only the owner has access, whatever the umask`(mask: mode_t) throws {
        try inFolder {
            let before = umask(mask)
            defer { umask(before) }
            try PrivateFile(path: path).create([1, 2])
            #expect(
                try PrivateFile(path: path).read(mostBytes: 2) == PrivateFile.Contents(bytes: [1, 2], permissions: 0o600))
        }
    }

    @Test func `an existing file is not replaced, and no temporary file is left`() throws {
        try inFolder {
            let file = PrivateFile(path: path)
            #expect(try file.read(mostBytes: 10) == nil)
            try file.create([1])
            #expect(throws: KernelError(.alreadyThere, in: "link")) { try file.create([2]) }
            #expect(try file.read(mostBytes: 10)?.bytes == [1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["secret"])
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount")) func `a disk that is full leaves nothing behind`() throws {
        try inFolder {
            try Command.succeed(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder])
            defer { _ = try? Command.run(["umount", folder]) }
            #expect(throws: KernelError(KernelError.Code(rawValue: ENOSPC), in: "write")) {
                try PrivateFile(path: path).create([UInt8](repeating: 1, count: 10_000))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }
}
