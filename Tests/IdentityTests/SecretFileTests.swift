import Common
import Foundation
import TestSupport
import Testing

@testable import Identity

/// A directory that is removed with the test.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.appending(path: "virt-metadata-\(UUID())").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

struct SecretFileTests {
    private let folder: Folder
    private var path: String { "\(folder.path)/secret" }

    init() throws { folder = try Folder() }

    private func write(_ bytes: [UInt8], permissions: Int) throws {
        try Data(bytes).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
    }

    private func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func refusal() throws -> String {
        let failure = try #require(throws: SecretFile.Failure.self) {
            try SecretFile.contents(at: path) {
                Issue.record("a secret was made beside one that is there")
                return []
            }
        }
        return "\(failure)".replacing(path, with: "PATH")
    }

    @Test func `it is created once, and the second start reads it`() throws {
        let path = "\(folder.path)/keys/secret"
        #expect(try SecretFile.contents(at: path) { [1, 2, 3] } == [1, 2, 3])
        #expect(try SecretFile.contents(at: path) { [4] } == [1, 2, 3])
        #expect(try permissions(path) == 0o600)
        #expect(try permissions("\(folder.path)/keys") == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/keys") == ["secret"])
    }

    @Test func `processes that start at the same time have the same secret`() async throws {
        let path = "\(folder.path)/keys/secret"
        let secrets = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<64 {
                group.addTask {
                    try SecretFile.contents(at: path) { [UInt8](repeating: UInt8(number), count: 10_000) }
                }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(secrets.count == 1)
        #expect(secrets.first == (try SecretFile.contents(at: path)))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/keys") == ["secret"])
    }

    @Test(arguments: [0o600, 0o400, 0o700]) func `an operator's file is read`(mode: Int) throws {
        try write([7, 8], permissions: mode)
        #expect(try SecretFile.contents(at: path) { [] } == [7, 8])
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o610, 0o444]) func `a file that others may open is refused`(mode: Int) throws {
        try write([7, 8], permissions: mode)
        let refusal = try refusal()
        #expect(
            refusal
                == "PATH: accessible by other users (mode \(String(mode, radix: 8))); run: chmod 600 PATH")
    }

    @Test func `a file that is too large is refused`() throws {
        try write([UInt8](repeating: 1, count: SecretFile.mostBytes), permissions: 0o600)
        #expect(try SecretFile.contents(at: path) { [] }.count == SecretFile.mostBytes)
        try write([UInt8](repeating: 1, count: SecretFile.mostBytes + 1), permissions: 0o600)
        #expect(try refusal().hasPrefix("PATH: larger than 64 KiB"))
    }

    @Test(.timeLimit(.minutes(1))) func `a pipe or a directory is refused without waiting for a writer`() throws {
        try Command.succeed(["mkfifo", "-m", "600", path])
        #expect(try refusal().hasPrefix("PATH: not a regular file"))
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try refusal().hasPrefix("PATH: not a regular file"))
    }

    @Test func `a link is followed, and a dangling one is refused`() throws {
        try write([7], permissions: 0o600)
        let link = "\(folder.path)/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        #expect(try SecretFile.contents(at: link) { [] } == [7])
        try FileManager.default.removeItem(atPath: path)
        expectNotCreated(at: link, KernelError(.alreadyThere, in: "link"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["link"])
    }

    @Test func `the kernel's reason is reported where it cannot be created`() throws {
        expectNotCreated(at: "\(folder.path)/no/such/secret", KernelError(.noSuchEntry, in: "openat(no)"))
        expectNotCreated(at: "/proc/self/secret", KernelError(.noSuchEntry, in: "open"))
    }

    @Test func `below a file there is nothing to be read`() throws {
        try write([7], permissions: 0o600)
        let failure = #expect(throws: SecretFile.Failure.self) { try SecretFile.contents(at: "\(path)/secret") { [] } }
        guard case .unreadable(_, let error)? = failure else { throw try #require(failure) }
        #expect(error == KernelError(KernelError.Code(rawValue: ENOTDIR), in: "open"))
    }

    @Test func `it is not created without a secret`() throws {
        struct Dry: Error {}
        let failure = #expect(throws: SecretFile.Failure.self) { try SecretFile.contents(at: path) { throw Dry() } }
        guard case .noSecret(_, is Dry)? = failure else { throw try #require(failure) }
        #expect(try SecretFile.contents(at: path) == nil)
    }

    private func expectNotCreated(at path: String, _ expected: KernelError, sourceLocation: SourceLocation = #_sourceLocation) {
        let failure = #expect(throws: SecretFile.Failure.self, sourceLocation: sourceLocation) {
            try SecretFile.contents(at: path) { [1] }
        }
        guard case .notCreated(path, let error)? = failure else {
            Issue.record("another failure: \(String(describing: failure))", sourceLocation: sourceLocation)
            return
        }
        #expect(error == expected, sourceLocation: sourceLocation)
    }
}
