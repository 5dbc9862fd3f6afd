import CLinux
import Common
import Glibc

/// A directory opened component by component, each relative to the one before, so that the directory that was checked is the one that is used.
///
/// A user who may write in a directory on the path can replace a component by a symbolic link and so choose the target. So a symbolic link is
/// followed only if it belongs to root or to this process's own user, and is in a directory where no other user could have created it, as `/var/run`.
struct DirectoryWalk: ~Copyable {
    /// The most links to follow, as in the kernel (path_resolution(7)).
    private static let mostLinks = 40

    /// The directory, opened with `O_PATH`: only for access relative to it.
    let descriptor: Int32

    /// - Throws: `KernelError` with the code of open(2), fstat(2) or readlink(2); `.symbolicLink` at a link of another user.
    init(to path: String) throws(KernelError) {
        var descriptor = try Self.begin(at: path)
        var (steps, links) = (Self.steps(of: path), 0)
        do throws(KernelError) {
            while let name = steps.popFirst() {
                let next = try Self.step(from: descriptor, to: name)
                guard let target = try Self.target(of: next, called: name, in: descriptor) else {
                    close(descriptor)
                    descriptor = next
                    continue
                }
                close(next)
                links += 1
                guard links <= Self.mostLinks else { throw KernelError(.symbolicLink, in: "openat(\(name))") }
                if target.hasPrefix("/") {
                    let root = try Self.begin(at: target)
                    close(descriptor)
                    descriptor = root
                }
                steps = Self.steps(of: target) + steps
            }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The components of a path, without empty ones and `.`.
    static func steps(of path: String) -> ArraySlice<String> {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }.filter { $0 != "." }[...]
    }

    private static func begin(at path: String) throws(KernelError) -> Int32 {
        try step(from: AT_FDCWD, to: path.hasPrefix("/") ? "/" : ".")
    }

    private static func step(from directory: Int32, to name: String) throws(KernelError) -> Int32 {
        // Safe: openat(2) reads the name up to its zero.
        let descriptor = unsafe clinux_open_step(directory, name, O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last(in: "openat(\(name))") }
        return descriptor
    }

    /// The target of a symbolic link; `nil` for anything else. A file that is neither a link nor a directory fails at the next step.
    private static func target(
        of descriptor: Int32, called name: String, in directory: Int32
    ) throws(KernelError) -> String? {
        do throws(KernelError) {
            let facts = try facts(of: descriptor, name)
            guard facts.st_mode & S_IFMT == S_IFLNK else { return nil }
            let parentFacts = try Self.facts(of: directory, name)
            let isProtected = parentFacts.st_mode & (S_IWGRP | S_IWOTH) == 0 || parentFacts.st_mode & S_ISVTX != 0
            guard isTrusted(facts), isTrusted(parentFacts), isProtected else {
                throw KernelError(.symbolicLink, in: "openat(\(name))")
            }
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            // Safe: readlinkat(2) writes at most as many bytes as the array has, and reads the empty path up to its zero.
            let count = unsafe readlinkat(descriptor, "", &bytes, bytes.count)
            guard count >= 0 else { throw .last(in: "readlinkat(\(name))") }
            return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func isTrusted(_ facts: stat) -> Bool { facts.st_uid == 0 || facts.st_uid == geteuid() }

    private static func facts(of descriptor: Int32, _ name: String) throws(KernelError) -> stat {
        var facts = stat()
        // Safe: fstat(2) fills one structure.
        guard unsafe fstat(descriptor, &facts) == 0 else { throw .last(in: "fstat(\(name))") }
        return facts
    }
}
