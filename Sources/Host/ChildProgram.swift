package import Common
import Dispatch
import Glibc

/// A program that this process starts, and waits for.
package final class ChildProgram: Sendable {
    private let process: pid_t
    /// Whether its number may be another's by now.
    private let isGone = Locked(false)

    /// Starts a program, which has this process's streams, no blocked signals, and signals as if just logged in.
    ///
    /// - Parameters:
    ///   - command: its name, looked up in `PATH`, and its arguments; not empty.
    ///   - environment: replaces this process's own.
    ///   - isSilent: whether what it writes is dropped.
    /// - Throws: `KernelError`; `.noSuchEntry` where there is no such program.
    package init(_ command: [String], environment: [String: String], isSilent: Bool = false) throws(KernelError) {
        precondition(!command.isEmpty, "callers check that there is a program")
        var (attributes, actions) = unsafe (posix_spawnattr_t(), posix_spawn_file_actions_t())
        var (none, all) = (sigset_t(), sigset_t())
        // Safe: these calls read or write the structures that they are given; posix_spawnp(3) reads strings up to their zeros, and
        // arrays up to the null.
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawn_file_actions_init(&actions)
        defer {
            unsafe posix_spawnattr_destroy(&attributes)
            unsafe posix_spawn_file_actions_destroy(&actions)
        }
        for stream in isSilent ? [STDOUT_FILENO, STDERR_FILENO] : [] {
            unsafe posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
        }
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        Self.keepStatuses()
        var started: pid_t = 0
        let code = unsafe CStrings.with(command) { arguments in
            unsafe CStrings.with(environment.map { "\($0)=\($1)" }.sorted()) { variables in
                unsafe posix_spawnp(&started, command[0], &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else { throw KernelError(KernelError.Code(rawValue: code), in: "posix_spawnp") }
        process = started
    }

    /// Where whoever started this process ignores SIGCHLD, the kernel would throw the statuses of programs away (wait(2)).
    private static func keepStatuses() {
        signal(SIGCHLD, SIG_DFL)
    }

    /// Sends it a signal, while it runs.
    package func send(_ signal: Int32) { isGone.withLock { if !$0 { kill(process, signal) } } }

    /// Waits for its end; once.
    ///
    /// - Returns: the exit status; 128 and the signal's number if one ended it.
    package func wait() async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "child").async { [self] in
                var (status, facts) = unsafe (Int32(0), siginfo_t())
                // It keeps its number until waitpid(2) has been called, so that no signal reaches another process.
                // Safe: waitid(2) fills one structure, and waitpid(2) writes one number.
                while unsafe waitid(P_PID, id_t(process), &facts, WEXITED | WNOWAIT) == -1, errno == EINTR {}
                isGone.withLock { isGone in
                    while unsafe waitpid(process, &status, 0) == -1, errno == EINTR {}
                    isGone = true
                }
                let signal = status & 0x7F
                continuation.resume(returning: signal == 0 ? (status >> 8) & 0xFF : 128 + signal)
            }
        }
    }

    /// Runs another program in place of this one.
    ///
    /// - Throws: `KernelError`; `.noSuchEntry` where there is no such program.
    package static func replaceThisProgram(by command: [String]) throws(KernelError) -> Never {
        var none = sigset_t()
        // Safe: as above. This thread may be one of Dispatch's, which block all signals, and the program inherits the mask.
        unsafe sigemptyset(&none)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        keepStatuses()
        unsafe CStrings.with(command) { arguments in
            if let name = unsafe arguments[0] { _ = unsafe execvp(name, arguments) }
        }
        throw .last(in: "execvp")
    }
}

/// Arrays of strings as C's functions take them: ending with a null.
private enum CStrings {
    static func with<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        // Safe: the copies and the array live until the body has returned, and strdup(3) copies up to the zero.
        var copies = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe copies.withUnsafeMutableBufferPointer { buffer in
            // Never empty: it has the null.
            guard let start = buffer.baseAddress else { preconditionFailure("an array with a null has an address") }
            return unsafe body(start)
        }
    }
}
