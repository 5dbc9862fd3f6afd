package import Common
import Glibc

/// A small file with a process's state: its content is always one complete version, even after a power failure.
package struct StateFile: Sendable {
    private let path: String

    /// Accesses no file yet.
    package init(path: String) {
        self.path = path
    }

    /// Reads the file; `nil` where it does not exist.
    /// - Throws: `KernelError`; `.fileTooBig` where it is longer than `mostBytes`, `.invalidArgument` where it is not a regular file.
    package func read(mostBytes: Int) throws(KernelError) -> [UInt8]? {
        do throws(KernelError) {
            return try FileVersion.read(path, mostBytes: mostBytes).bytes
        } catch {
            guard error.code == .noSuchEntry else { throw error }
            return nil
        }
    }

    /// Replaces the content, and returns when that is on disk. Creates the directory if its parent exists.
    /// - Throws: `KernelError` with the code of mkdir(2), open(2), write(2), fsync(2) or rename(2); the file is then unchanged.
    package func write(_ bytes: [UInt8]) throws(KernelError) {
        try Directory(of: path).make()
        let new = "\(path).new"
        // Safe: unlink(2) reads the path up to its zero. A temporary file of a killed writer is useless.
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

    /// Removes the file if it exists.
    /// - Throws: `KernelError` with the code of unlink(2) or fsync(2).
    package func remove() throws(KernelError) {
        // Safe: unlink(2) reads the path up to its zero.
        guard unsafe unlink(path) == 0 else {
            let error = KernelError.last(in: "unlink")
            guard error.code == .noSuchEntry else { throw error }
            return
        }
        try Directory(of: path).sync()
    }
}
