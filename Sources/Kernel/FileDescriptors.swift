internal import Glibc

/// What this process asks of the kernel for its own files.
public enum FileDescriptors {
    /// Asks for as many open files as are wanted, or for all that this user may have.
    ///
    /// The usual limit of a new process is 1024, and as a rule it may raise that itself, though only root beyond what it was given
    /// (getrlimit(2)).
    ///
    /// - Returns: how many this process may have open from now on.
    public static func allow(_ count: Int) -> Int {
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

    /// Writes all of the bytes, however often write(2) has to be asked.
    ///
    /// - Throws: the error of the first call that failed, as on a full disk or a pipe that nobody reads.
    public static func write(_ bytes: [UInt8], to descriptor: Int32) throws(KernelError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // Safe: write(2) reads as many bytes as the array slice has.
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno != EINTR { throw KernelError(KernelError.Code(rawValue: errno), in: "write") }
            rest = rest.dropFirst(max(0, written))
        }
    }
}
