internal import CCapNG
internal import CLinux
package import Common
import Glibc

/// The user and the capabilities of this process.
package enum Privileges {
    /// A capability (capabilities(7)).
    package enum Capability: Sendable, CaseIterable {
        /// Addresses, nftables, bridge options.
        case netAdmin
        /// Sockets that are bound to one link.
        case netRaw
        /// Ports below 1,024.
        case netBindService

        package var number: Int32 {
            switch self {
            case .netAdmin: CAP_NET_ADMIN
            case .netRaw: CAP_NET_RAW
            case .netBindService: CAP_NET_BIND_SERVICE
            }
        }
    }

    package static var isRoot: Bool { geteuid() == 0 }

    /// Restarts this program, with the same arguments, as another user with some capabilities and no way to gain more.
    ///
    /// Capabilities belong to a thread. A restarted program has one thread, and gets them as by systemd's `AmbientCapabilities=`, so the program
    /// behaves the same with either. It only gets capabilities that this thread has.
    ///
    /// Its environment has the user's `HOME`, `USER` and `LOGNAME`; no signals are blocked.
    /// - Throws: `KernelError` of the call that failed; the process must exit then, because it may have lost some privileges already.
    package static func restart(as user: HostUser, keeping capabilities: [Capability] = Capability.allCases) throws(KernelError)
        -> Never
    {
        // Safe: these calls read the strings they are given up to their zeros.
        unsafe setenv("HOME", user.home, 1)
        unsafe setenv("USER", user.name, 1)
        unsafe setenv("LOGNAME", user.name, 1)
        // Safe: as above.
        guard unsafe initgroups(user.name, user.group) == 0 else { throw .last(in: "initgroups") }
        try become(user, keeping: capabilities)
        guard clinux_forbid_new_privileges() == 0 else { throw .last(in: "prctl(PR_SET_NO_NEW_PRIVS)") }
        var none = sigset_t()
        // Safe: both calls read or write the one set they are given. This thread may be one of Dispatch's, which block all signals,
        // and the program inherits the mask.
        unsafe sigemptyset(&none)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        // Safe: the arguments are the system's own array, which ends with a null. The link leads to this program, even where the
        // user has no access to its path.
        _ = unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        throw .last(in: "execve")
    }

    /// Changes this thread's user, keeps those of the capabilities that it has, and passes them to programs that it executes (ambient,
    /// capabilities(7)); no program can gain others.
    private static func become(_ user: HostUser, keeping capabilities: [Capability]) throws(KernelError) {
        guard capng_get_caps_process() == 0 else { throw .last(in: "capng_get_caps_process") }
        let kept = capabilities.map { UInt32($0.number) }.filter { capng_have_capability(CAPNG_PERMITTED, $0) == 1 }
        capng_clear(CAPNG_SELECT_ALL)
        for capability in capabilities { _ = capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, UInt32(capability.number)) }
        // Before the user changes, because it needs CAP_SETPCAP. Where root lacks that, as in a container, the failure is harmless: `no_new_privs`
        // prevents new privileges anyway.
        _ = capng_apply(CAPNG_SELECT_BOUNDS)
        let sets = [CAPNG_EFFECTIVE, CAPNG_PERMITTED, CAPNG_INHERITABLE, CAPNG_AMBIENT]
        let all = capng_type_t(rawValue: sets.reduce(0) { $0 | $1.rawValue })
        for capability in kept { _ = capng_update(CAPNG_ADD, all, capability) }
        guard capng_change_id(Int32(bitPattern: user.number), Int32(bitPattern: user.group), CAPNG_NO_FLAG) == 0 else {
            throw .last(in: "capng_change_id")
        }
        guard capng_apply(CAPNG_SELECT_AMBIENT) == 0 else { throw .last(in: "capng_apply") }
    }
}
