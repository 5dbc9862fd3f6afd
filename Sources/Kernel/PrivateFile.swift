import Glibc

/// A small file that is made once, for its owner alone, and then only read: whoever reads it finds all of it.
public struct PrivateFile: Sendable {
    /// What is in such a file, and who may see it.
    public struct Contents: Sendable, Equatable {
        /// All of it.
        public let bytes: [UInt8]
        /// The lowest nine bits of its mode (inode(7)).
        public let permissions: UInt32
    }

    private let path: String

    /// Names the file; nothing is done yet.
    public init(path: String) {
        self.path = path
    }

    /// Reads it; `nil` where there is no such file.
    /// - Throws: `KernelError`; `.fileTooBig` where it is longer than `mostBytes`, `.invalidArgument` where it is no regular
    ///   file.
    public func read(mostBytes: Int) throws(KernelError) -> Contents? {
        do throws(KernelError) {
            let file = try RegularFile(path: path)
            return Contents(bytes: try file.read(mostBytes: mostBytes), permissions: file.facts.st_mode & 0o777)
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return nil
        }
    }

    /// Makes it with what shall be in it, and returns when that is on the disk; of several who do so at the same time, one makes
    /// it. Its directory is made where its parent is there, for its owner alone too.
    /// - Throws: `KernelError`; `.alreadyThere` where another was first, or the code of mkdir(2), open(2), fchmod(2), write(2),
    ///   fsync(2) or link(2). Then there is no such file, or it is another's.
    public func create(_ bytes: [UInt8]) throws(KernelError) {
        try Directory(of: path).make(0o700)
        let new = "\(path).\(UInt64.random(in: .min ... .max))"
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer {
            close(descriptor)
            // Safe: unlink(2) reads the path up to its zero. The file keeps its other name, if it was given that.
            _ = unsafe unlink(new)
        }
        // The directory may have a default list of who may do what (acl(5)), and the process a strange umask(2).
        guard fchmod(descriptor, 0o600) == 0 else { throw .last(in: "fchmod") }
        try FileDescriptors.write(bytes, to: descriptor)
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
        // Safe: link(2) reads both paths up to their zeros. Unlike rename(2) it replaces nothing.
        guard unsafe link(new, path) == 0 else { throw .last(in: "link") }
        try Directory(of: path).sync()
    }
}
