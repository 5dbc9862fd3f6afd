package import Common
internal import Glibc

/// The limit of open files, and writing to them.
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
