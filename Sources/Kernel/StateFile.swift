import Glibc

/// A small file that a process keeps its state in: what is in it is always one whole version, even if the machine stops.
public struct StateFile: Sendable {
    private let path: String

    /// Names the file; nothing is done yet.
    public init(path: String) {
        self.path = path
    }

    /// What is in it; `nil` where there is no such file.
    /// - Throws: `KernelError`; `.fileTooBig` where it is longer than `mostBytes`, `.invalidArgument` where it is no regular file.
    public func read(mostBytes: Int) throws(KernelError) -> [UInt8]? {
        do throws(KernelError) {
            return try FileVersion.read(path, mostBytes: mostBytes).bytes
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return nil
        }
    }

    /// Replaces what is in it, and returns when that is on the disk. Its directory is made where its parent is there.
    /// - Throws: `KernelError` with the code of mkdir(2), open(2), write(2), fsync(2) or rename(2); the file is as it was then.
    public func write(_ bytes: [UInt8]) throws(KernelError) {
        try Directory(of: path).make()
        let new = "\(path).new"
        // Safe: unlink(2) reads the path up to its zero. What a writer that was killed left behind is of no use.
        _ = unsafe unlink(new)
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        try FileDescriptors.write(bytes, to: descriptor)
        guard fsync(descriptor) == 0 else { throw .last(in: "fsync") }
        // Safe: rename(2) reads both paths up to their zeros.
        guard unsafe rename(new, path) == 0 else { throw .last(in: "rename") }
        try Directory(of: path).sync()
    }

    /// Removes the file; one that is not there is as good as removed.
    /// - Throws: `KernelError` with the code of unlink(2) or fsync(2).
    public func remove() throws(KernelError) {
        // Safe: unlink(2) reads the path up to its zero.
        guard unsafe unlink(path) == 0 else {
            let error = KernelError.last(in: "unlink")
            guard error.code == .noSuchEntry else { throw error }
            return
        }
        try Directory(of: path).sync()
    }
}
