import Common
import Foundation
import Testing

@testable import Host

/// A directory that is removed after the test.
private final class Scratch {
    let path = FileManager.default.temporaryDirectory.appending(path: "virt-metadata-\(UUID())").path

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A file in a directory that does not exist yet.
    func file(_ name: String) -> String { "\(path)/run/\(name)" }
}

struct StateFileTests {
    private let scratch: Scratch
    private var path: String { scratch.file("state") }

    init() throws { scratch = try Scratch() }

    @Test func `what is written is read, and the last version counts`() throws {
        let file = StateFile(path: path)
        #expect(try file.read(mostBytes: 10) == nil)
        try file.write([1, 2, 3])
        #expect(try file.read(mostBytes: 10) == [1, 2, 3])
        try file.write([4])
        #expect(try file.read(mostBytes: 10) == [4])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/run") == ["state"], "and nothing is left over")
        try file.remove()
        #expect(try file.read(mostBytes: 10) == nil)
        try file.remove()
    }

    @Test func `others may not read it`() throws {
        try StateFile(path: path).write([1])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func `a file that is too long or not regular is refused`() throws {
        let file = StateFile(path: path)
        try file.write([UInt8](repeating: 1, count: 11))
        #expect(throws: KernelError(.fileTooBig, in: "read")) { try file.read(mostBytes: 10) }
        #expect(throws: KernelError(.invalidArgument, in: "open")) { try StateFile(path: scratch.path).read(mostBytes: 10) }
    }

    @Test func `a killed writer's temporary file is replaced, and a link is not followed`() throws {
        let file = StateFile(path: path)
        try file.write([1])
        let victim = "\(scratch.path)/victim"
        try Data([9]).write(to: URL(filePath: victim))
        try FileManager.default.createSymbolicLink(atPath: "\(path).new", withDestinationPath: victim)
        try file.write([2])
        #expect(try file.read(mostBytes: 10) == [2])
        #expect(try Data(contentsOf: URL(filePath: victim)) == Data([9]))
    }

    @Test func `where it cannot be written the last version stays`() throws {
        #expect(throws: KernelError(.noSuchEntry, in: "openat(no)")) {
            try StateFile(path: "\(scratch.path)/no/such/state").write([1])
        }
        let file = StateFile(path: path)
        try file.write([1])
        try FileManager.default.createDirectory(atPath: "\(path).new", withIntermediateDirectories: false)
        #expect(throws: KernelError(.alreadyThere, in: "open")) { try file.write([2]) }
        #expect(try file.read(mostBytes: 10) == [1])
    }
}

struct FileLockTests {
    private let scratch: Scratch
    private var path: String { scratch.file("lock") }

    init() throws { scratch = try Scratch() }

    @Test func `one process holds the lock, and the file names it`() throws {
        do {
            let lock = try FileLock(path: path)
            #expect(throws: KernelError(.heldByAnother, in: "flock")) { _ = try FileLock(path: path) }
            #expect(FileLock.holder(path: path) == ProcessInfo.processInfo.processIdentifier)
            _ = consume lock
        }
        _ = try FileLock(path: path)
    }

    @Test func `an empty lock file names no process`() throws {
        #expect(FileLock.holder(path: path) == nil)
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/run", withIntermediateDirectories: false)
        try Data("who?".utf8).write(to: URL(filePath: path))
        #expect(FileLock.holder(path: path) == nil)
    }

    @Test func `a user who may not open the file cannot take the lock`() throws {
        _ = try FileLock(path: path)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
}
