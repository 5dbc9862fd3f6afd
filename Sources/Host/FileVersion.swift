import Common
import Glibc

/// Identifies a version of a regular file: device, inode, size, and time of modification (`stat(2)`).
struct FileVersion: Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// The current version.
    /// - Throws: `KernelError` with the code of `stat(2)`.
    init(at path: String) throws(KernelError) {
        var facts = stat()
        // Safe: stat(2) reads the path up to its zero and fills one structure.
        guard unsafe stat(path, &facts) == 0 else { throw .last(in: "stat") }
        self.init(facts)
    }

    private init(_ facts: stat) {
        (device, inode, size) = (UInt64(facts.st_dev), UInt64(facts.st_ino), Int(facts.st_size))
        (seconds, nanoseconds) = (facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec)
    }

    /// Reads a regular file of at most `mostBytes`, and returns its version at the start of the read.
    /// - Throws: `KernelError` with the code of `open(2)`, `fstat(2)` or `read(2)`; `.invalidArgument` where it is not a regular
    ///   file, `.fileTooBig` where it is longer.
    static func read(_ path: String, mostBytes: Int) throws(KernelError) -> (version: FileVersion, bytes: [UInt8]) {
        let file = try RegularFile(path: path)
        return (FileVersion(file.facts), try file.read(mostBytes: mostBytes))
    }
}
