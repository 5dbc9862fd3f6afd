internal import CLinux
import Glibc

/// Who this process is, and what it may do.
public enum Privileges {
    /// One right of root's (capabilities(7)).
    public enum Capability: Sendable, CaseIterable {
        /// Addresses, nftables, what a bridge does.
        case netAdmin
        /// Sockets that are tied to one link.
        case netRaw
        /// Ports below 1,024.
        case netBindService

        var number: Int32 {
            switch self {
            case .netAdmin: CAP_NET_ADMIN
            case .netRaw: CAP_NET_RAW
            case .netBindService: CAP_NET_BIND_SERVICE
            }
        }
    }

    /// Whether this process acts as root.
    public static var isRoot: Bool { geteuid() == 0 }

    /// Starts this program anew, with the same arguments, as another user with some of root's rights and no way to more.
    ///
    /// The kernel keeps rights for each thread. A program that is started anew has one thread, and gets them the way systemd's
    /// `AmbientCapabilities=` gives them, so it is the same program with either. Of the rights it gets those that this thread has.
    ///
    /// Its environment has the user's `HOME`, `USER` and `LOGNAME`; it takes all signals.
    /// - Throws: `KernelError` of what was refused; the process is of no use then, for it may have given up some already.
    public static func restart(as user: HostUser, keeping capabilities: [Capability] = Capability.allCases) throws(KernelError)
        -> Never
    {
        let kept = capabilities.reduce(0) { $0 | UInt64(1) << UInt64($1.number) }
        // Safe: these calls read the strings they are given up to their zeros.
        unsafe setenv("HOME", user.home, 1)
        unsafe setenv("USER", user.name, 1)
        unsafe setenv("LOGNAME", user.name, 1)
        // Else changing the user takes all rights.
        guard clinux_keep_capabilities() == 0 else { throw .last(in: "prctl(PR_SET_KEEPCAPS)") }
        // Safe: as above.
        guard unsafe initgroups(user.name, user.group) == 0 else { throw .last(in: "initgroups") }
        guard setgid(user.group) == 0 else { throw .last(in: "setgid") }
        guard setuid(user.number) == 0 else { throw .last(in: "setuid") }
        guard clinux_keep_only_capabilities(kept) == 0 else { throw .last(in: "capset") }
        guard clinux_forbid_new_privileges() == 0 else { throw .last(in: "prctl(PR_SET_NO_NEW_PRIVS)") }
        var none = sigset_t()
        // Safe: both calls read or write the one set they are given. This thread may be one of Dispatch's, which take no signals, and
        // the mask goes over to the program.
        unsafe sigemptyset(&none)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        // Safe: the arguments are the system's own array, which ends with a null. The link is that of this program, even where the user
        // cannot get to its path.
        _ = unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw .last(in: "execve")
    }
}
