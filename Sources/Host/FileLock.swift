package import Common
import Glibc

/// A lock that one process at a time holds (flock(2)), as long as this value lives; the kernel releases it however the process
/// ends. The file contains the holder's process number.
package struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock, without waiting. Creates the file, and its directory if the directory's parent exists.
    ///
    /// Only the owner may open the file: any process that can open it could take the lock.
    /// - Throws: `KernelError`; `.heldByAnother`, or the code of mkdir(2), open(2), flock(2) or write(2); `.invalidArgument` where it is not a
    ///   regular file, or has a second name: a user who may write in the directory could have linked another's file there to have it overwritten.
    package init(path: String) throws(KernelError) {
        try Directory(of: path).make()
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(in: "open") }
        do throws(KernelError) {
            var facts = stat()
            // Safe: fstat(2) fills one structure.
            guard unsafe fstat(descriptor, &facts) == 0 else { throw .last(in: "fstat") }
            guard facts.st_mode & S_IFMT == S_IFREG, facts.st_nlink == 1 else { throw KernelError(.invalidArgument, in: "open") }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .last(in: "flock") }
            guard ftruncate(descriptor, 0) == 0 else { throw .last(in: "ftruncate") }
            try FileDescriptors.write(Array("\(getpid())\n".utf8), to: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The process that took the lock last; `nil` where the file does not name one.
    package static func holder(path: String) -> Int32? {
        guard let (_, bytes) = try? FileVersion.read(path, mostBytes: 64) else { return nil }
        return Int32(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
