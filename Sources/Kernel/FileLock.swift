import Glibc

/// A lock that one process at a time holds (flock(2)), as long as this value lives; the kernel gives it back however the process
/// ends. The file says who holds it.
public struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock, without waiting. The file is made, and its directory where the parent of that is there.
    ///
    /// Only its owner may open the file: whoever can open it could take the lock.
    /// - Throws: `KernelError`; `.heldByAnother`, or the code of mkdir(2), open(2), flock(2) or write(2).
    public init(path: String) throws(KernelError) {
        try Directory(of: path).make()
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(in: "open") }
        do throws(KernelError) {
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

    /// The process that took the lock last; `nil` where the file does not say.
    public static func holder(path: String) -> Int32? {
        guard let (_, bytes) = try? FileVersion.read(path, mostBytes: 64) else { return nil }
        return Int32(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}
