import Common
import Glibc

/// A regular file, open for reading as long as this value lives.
struct RegularFile: ~Copyable {
    private let descriptor: Int32
    /// The result of fstat(2) after opening.
    let facts: stat

    /// Opens the file, without waiting.
    /// - Throws: `KernelError` with the code of open(2) or fstat(2); `.invalidArgument` where it is not a regular file.
    init(path: String) throws(KernelError) {
        // O_NONBLOCK, because open(2) of a pipe would wait for its writer.
        // Safe: open(2) reads the path up to its zero.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .last(in: "open") }
        try self.init(owning: descriptor)
    }

    /// Takes an open file, and closes it.
    /// - Throws: `KernelError` with the code of fstat(2); `.invalidArgument` where it is not a regular file.
    init(owning descriptor: Int32) throws(KernelError) {
        var facts = stat()
        do throws(KernelError) {
            // Safe: fstat(2) fills one structure.
            guard unsafe fstat(descriptor, &facts) == 0 else { throw .last(in: "fstat") }
            guard facts.st_mode & S_IFMT == S_IFREG else { throw KernelError(.invalidArgument, in: "open") }
        } catch {
            close(descriptor)
            throw error
        }
        (self.descriptor, self.facts) = (descriptor, facts)
    }

    deinit { close(descriptor) }

    /// Reads the rest of the file.
    /// - Throws: `KernelError` with the code of read(2); `.fileTooBig` where it is longer than `mostBytes`.
    func read(mostBytes: Int) throws(KernelError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            // Safe: read(2) writes at most as many bytes as the chunk has.
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw .last(in: "read") }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= mostBytes else { throw KernelError(.fileTooBig, in: "read") }
        }
    }
}
