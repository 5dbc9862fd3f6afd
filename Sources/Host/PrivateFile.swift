package import Common
import Glibc

/// A small file that is created once, for its owner alone, and then only read: a reader never sees part of it.
package struct PrivateFile: Sendable {
    package struct Contents: Sendable, Equatable {
        package let bytes: [UInt8]
        /// The lowest nine bits of its mode (inode(7)).
        package let permissions: UInt32
    }

    private let path: String

    /// Accesses no file yet.
    package init(path: String) {
        self.path = path
    }

    /// Reads the file; `nil` where it does not exist.
    /// - Throws: `KernelError`; `.fileTooBig` where it is longer than `mostBytes`, `.invalidArgument` where it is not a regular
    ///   file.
    package func read(mostBytes: Int) throws(KernelError) -> Contents? {
        do throws(KernelError) {
            let file = try RegularFile(path: path)
            return Contents(bytes: try file.read(mostBytes: mostBytes), permissions: file.facts.st_mode & 0o777)
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return nil
        }
    }

    /// Creates the file with its content, and returns when that is on disk; of several concurrent calls one succeeds. Creates its
    /// directory, also for its owner alone, if the directory's parent exists.
    /// - Throws: `KernelError`; `.alreadyThere` where another process was first, or the code of mkdir(2), open(2), fchmod(2),
    ///   write(2), fsync(2) or link(2). Then the file does not exist, or is another's.
    package func create(_ bytes: [UInt8]) throws(KernelError) {
        try Directory(of: path).make(0o700)
        let new = "\(path).\(UInt64.random(in: .min ... .max))"
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer {
            close(descriptor)
            // Safe: unlink(2) reads the path up to its zero. The file keeps its other name, if it got one.
            _ = unsafe unlink(new)
        }
        // The directory may have a default ACL (acl(5)), and the process any umask(2).
        guard fchmod(descriptor, 0o600) == 0 else { throw .last(in: "fchmod") }
        try FileDescriptors.write(bytes, to: descriptor)
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
        // Safe: link(2) reads both paths up to their zeros. Unlike rename(2) it replaces nothing.
        guard unsafe link(new, path) == 0 else { throw .last(in: "link") }
        try Directory(of: path).sync()
    }
}
