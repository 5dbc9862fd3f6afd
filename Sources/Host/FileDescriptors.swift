package import Common
internal import Glibc

/// The limit of open files, and reading and writing them.
package enum FileDescriptors {
    /// Raises the limit of open files to the wanted number, or as far as this user may.
    ///
    /// The usual limit of a new process is 1024. A process may raise it to its hard limit; only root may exceed that (getrlimit(2)).
    ///
    /// - Returns: the limit from now on.
    package static func allow(_ count: Int) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        // Safe: both calls read or write the one structure they are given.
        guard unsafe getrlimit(resource, &limit) == 0 else { return count }
        let wanted = rlim_t(count)
        guard limit.rlim_cur < wanted else { return Int(clamping: limit.rlim_cur) }
        for most in [max(wanted, limit.rlim_max), limit.rlim_max] {
            var new = rlimit(rlim_cur: min(wanted, most), rlim_max: most)
            if unsafe setrlimit(resource, &new) == 0 { return Int(clamping: new.rlim_cur) }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// The descriptors besides the standard streams that a program gets which is started now.
    package static var inheritable: Set<Int32> {
        // Without /proc, none are known.
        let open = Directory.names(at: "/proc/self/fd").compactMap { Int32($0) }.filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return descriptor > STDERR_FILENO && flags >= 0 && flags & FD_CLOEXEC == 0
        }
        return Set(open)
    }

    /// Keeps open descriptors from programs that are started from now on: a library may have opened them for them too. A listening socket that
    /// a program has stays open for as long as it runs.
    ///
    /// - Parameter inherited: what programs are to have all the same.
    package static func keepFromPrograms(allBut inherited: Set<Int32>) {
        for descriptor in inheritable.subtracting(inherited) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    /// Reads a file of any kind to its end; a pipe as long as somebody writes into it.
    ///
    /// - Parameters:
    ///   - path: `nil` for this process's standard input.
    ///   - millisecondsToWriter: how long to wait for the first byte of a FIFO; `nil` for ever, as open(2) does without a writer.
    /// - Throws: the code of open(2) or read(2); `.fileTooBig` where it is longer than `mostBytes`; `.noWriter` for a FIFO into which
    ///   nothing is written.
    package static func contents(
        of path: String?, mostBytes: Int, millisecondsToWriter: Int32? = nil
    ) throws(KernelError) -> [UInt8] {
        let flags = O_RDONLY | O_CLOEXEC | (millisecondsToWriter == nil ? 0 : O_NONBLOCK)
        // Safe: open(2) reads the path up to its zero.
        let descriptor = path.map { unsafe open($0, flags) } ?? STDIN_FILENO
        guard descriptor >= 0 else { throw .last(in: "open") }
        defer { if path != nil { close(descriptor) } }
        if path != nil, let millisecondsToWriter { try awaitWriter(of: descriptor, millisecondsToWriter) }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            // Safe: read(2) writes at most as many bytes as the chunk has.
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last(in: "read") }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
            guard bytes.count <= mostBytes else { throw KernelError(.fileTooBig, in: "read") }
        }
    }

    /// Waits for the first byte of a FIFO, or the end of its writers, and lets reads wait from now on.
    private static func awaitWriter(of descriptor: Int32, _ milliseconds: Int32) throws(KernelError) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var status = stat()
        // Safe: fstat(2) fills one structure; poll(2) reads and writes one.
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last(in: "fstat") }
        if status.st_mode & S_IFMT == S_IFIFO, unsafe poll(&entry, 1, milliseconds) == 0 {
            throw KernelError(.noWriter, in: "poll")
        }
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    /// Opens a file of any kind to write into it.
    ///
    /// - Parameters:
    ///   - flags: of open(2), besides those that say that it is written and closed for other programs.
    ///   - millisecondsToReader: how long to wait for a reader of a FIFO, for which open(2) would wait for ever.
    /// - Throws: the code of open(2); `.noReader` for a FIFO that nobody reads.
    package static func openToWrite(_ path: String, flags: Int32, millisecondsToReader: Int) throws(KernelError) -> Int32 {
        for wait in stride(from: 0, through: millisecondsToReader, by: 20) {
            if wait > 0 { usleep(20_000) }
            // Safe: open(2) reads the path up to its zero.
            let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | flags, 0o644)
            if descriptor >= 0 {
                _ = fcntl(descriptor, F_SETFL, flags & O_APPEND)
                return descriptor
            }
            guard errno == ENXIO else { throw .last(in: "open") }
        }
        throw KernelError(.noReader, in: "open")
    }

    /// Writes all bytes, with as many calls of write(2) as needed.
    ///
    /// - Throws: the error of the first call that failed, as on a full disk or a pipe without a reader.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) throws(KernelError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Safe: write(2) reads as many bytes as the array slice has.
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno != EINTR { throw KernelError(KernelError.Code(rawValue: errno), in: "write") }
            rest = rest.dropFirst(max(0, written))
        }
    }
}
