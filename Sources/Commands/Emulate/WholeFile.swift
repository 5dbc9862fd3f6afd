import Common
import Emulator
import Glibc
import Host

/// A file whose reader finds all of it or nothing.
enum WholeFile {
    /// How long the reader of a FIFO may take to open it, in milliseconds.
    static let millisecondsToReader = 10_000

    /// What is said where a file cannot be written.
    static func error(_ error: KernelError, of path: String) -> EmulatorError {
        let reason = error.code == .noReader ? "no program has opened this FIFO for reading within 10 s" : error.message
        return EmulatorError("\(path): cannot be written: \(reason)")
    }

    /// Writes a file. A regular one is replaced at once; into anything else, such as a FIFO, a device or what a symbolic link leads to, the
    /// bytes are written.
    ///
    /// - Throws: `KernelError` of the call that failed; a file that was there has not changed then.
    static func write(_ bytes: [UInt8], to path: String) throws(KernelError) {
        guard isReplaceable(path) else {
            let file = try FileDescriptors.openToWrite(path, flags: O_TRUNC, millisecondsToReader: millisecondsToReader)
            return try write(bytes, into: file)
        }
        let new = "\(path).new"
        do throws(KernelError) {
            // Safe: open(2), rename(2) and unlink(2) read the paths up to their zeros.
            try write(bytes, into: unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644))
            guard unsafe rename(new, path) == 0 else { throw .last(in: "rename") }
        } catch {
            _ = unsafe unlink(new)
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], into descriptor: Int32) throws(KernelError) {
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { close(descriptor) }
        try FileDescriptors.write(bytes, to: descriptor)
    }

    /// Removes a regular file, if there is one: devices and links are not ours.
    static func remove(_ path: String) {
        // Safe: unlink(2) reads the path up to its zero. The file may be missing.
        if isReplaceable(path) { _ = unsafe unlink(path) }
    }

    private static func isReplaceable(_ path: String) -> Bool {
        var facts = stat()
        // Safe: lstat(2) reads the path up to its zero and fills one structure.
        guard unsafe lstat(path, &facts) == 0 else { return true }
        return facts.st_mode & S_IFMT == S_IFREG
    }
}
