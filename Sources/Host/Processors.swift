internal import CLinux
internal import Glibc

/// The processors that this process may use.
package enum Processors {
    /// The number that the calling thread may be scheduled on, at least one: a service manager's `CPUAffinity=`, a cpuset or taskset(1) may allow
    /// fewer than the host has.
    package static var usable: Int {
        let count = Int(clinux_usable_processors())
        // Where the kernel does not answer, all online processors count.
        return max(1, count > 0 ? count : sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }
}
