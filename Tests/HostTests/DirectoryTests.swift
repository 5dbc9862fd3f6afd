import Common
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Host

/// Directories created where other users may have created links.
struct DirectoryTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "directory-\(UUID().uuidString)").path
    private let files = FileManager.default

    init() throws { try files.createDirectory(atPath: "\(folder)/real/deep", withIntermediateDirectories: true) }

    private func remove() { try? files.removeItem(atPath: folder) }

    /// A link, of another user's where that is wanted.
    private func link(_ name: String, to target: String, owner: uid_t = geteuid()) throws {
        try files.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: target)
        if owner != geteuid() { try give("\(folder)/\(name)", to: owner) }
    }

    private func give(_ path: String, to owner: uid_t) throws {
        let status = unsafe lchown(path, owner, owner)
        try #require(status == 0)
    }

    private func isThere(_ name: String) -> Bool { files.fileExists(atPath: "\(folder)/\(name)") }

    @Test(arguments: [
        "run", "run/", "real/run", "real/./run", "real//run", "real/deep/../run", "ours/run", "far/run", "chain/run",
    ])
    func `a directory is created, also through own links`(path: String) throws {
        defer { remove() }
        try link("ours", to: "real")
        try link("far", to: "\(folder)/real")
        try link("chain", to: "./real/deep/../../far")
        try Directory(path: "\(folder)/\(path)").make()
        #expect(isThere(path) && (isThere("run") || isThere("real/run")))
        // An existing directory is accepted.
        try Directory(path: "\(folder)/\(path)").make()
    }

    @Test func `an impossible path gives the kernel's error`() throws {
        defer { remove() }
        try Data().write(to: URL(filePath: "\(folder)/file"))
        try link("round", to: "about")
        try link("about", to: "round")
        for (path, code) in [
            ("none/run", KernelError.Code.noSuchEntry), ("file/run", .init(rawValue: ENOTDIR)), ("round/run", .symbolicLink),
        ] {
            let directory = Directory(path: "\(folder)/\(path)")
            #expect { try directory.make() } throws: { ($0 as? KernelError)?.code == code }
        }
        try Directory(path: "/").make()
        try Directory(path: ".").make()
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `another user's link is refused anywhere in the path`() throws {
        defer { remove() }
        try link("theirs", to: "\(folder)/real", owner: 65534)
        try link("indirect", to: "theirs/deep")
        for path in ["theirs/run", "theirs/deep/run", "real/../theirs/run", "indirect/run"] {
            let directory = Directory(path: "\(folder)/\(path)")
            #expect(throws: KernelError(.symbolicLink, in: "openat(theirs)")) { try directory.make() }
        }
        // A link of root's, where another user may have created it.
        try files.createDirectory(atPath: "\(folder)/up", withIntermediateDirectories: false)
        try link("up/x", to: "\(folder)/real")
        try give("\(folder)/up", to: 65534)
        #expect(throws: KernelError(.symbolicLink, in: "openat(x)")) { try Directory(path: "\(folder)/up/x/run").make() }
        try give("\(folder)/up", to: 0)
        try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(folder)/up")
        #expect(throws: KernelError(.symbolicLink, in: "openat(x)")) { try Directory(path: "\(folder)/up/x/run").make() }
        let user = try #require(try HostUser.named("nobody"))
        #expect(throws: KernelError(.symbolicLink, in: "openat(theirs)")) { try user.take("\(folder)/theirs/run", files: []) }
        #expect(try files.contentsOfDirectory(atPath: "\(folder)/real") == ["deep"])
        #expect(try files.contentsOfDirectory(atPath: "\(folder)/real/deep").isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `a directory is given to a user, and one behind a link is not`() throws {
        defer { remove() }
        let user = try #require(try HostUser.named("nobody"))
        try user.take("\(folder)/run", files: ["lock"])
        #expect(try HostUser.owner(ofFile: "\(folder)/run/none") == user)
        try link("last", to: "real")
        #expect(throws: KernelError.self) { try user.take("\(folder)/last", files: ["deep"]) }
        #expect(try HostUser.owner(ofFile: "\(folder)/real") == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `a file's owner is its own, or else its directory's`() throws {
        defer { remove() }
        let path = "\(folder)/real/owned.json"
        #expect(try HostUser.owner(ofFile: path) == nil)
        try Data().write(to: URL(filePath: path))
        #expect(try HostUser.owner(ofFile: path) == nil)
        try give(path, to: 65534)
        #expect(try HostUser.owner(ofFile: path)?.name == "nobody")
        // A file of root's in a user's directory may be a second name of any other file.
        try give(path, to: 0)
        try give("\(folder)/real", to: 65534)
        #expect(try HostUser.owner(ofFile: path)?.name == "nobody")
        try give("\(folder)/real", to: 4_000_000_000)
        #expect(try HostUser.owner(ofFile: path) == nil)
    }

    @Test func `a lock file with a second name is refused`() throws {
        defer { remove() }
        try Data("precious".utf8).write(to: URL(filePath: "\(folder)/precious"))
        try files.linkItem(atPath: "\(folder)/precious", toPath: "\(folder)/lock")
        #expect(throws: KernelError(.invalidArgument, in: "open")) { _ = try FileLock(path: "\(folder)/lock") }
        #expect(try String(contentsOfFile: "\(folder)/precious", encoding: .utf8) == "precious")
    }
}
