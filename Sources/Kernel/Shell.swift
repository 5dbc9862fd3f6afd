import Glibc

/// A command of the operator's own, run where the operator sits: on this process's terminal.
public enum Shell {
    /// Runs a command line, and waits for its end; interrupts from the terminal are the command's meanwhile (system(3)).
    ///
    /// - Parameters:
    ///   - line: what the shell reads, such as the contents of `$EDITOR`.
    ///   - argument: what follows it as one word, whatever is in it.
    /// - Returns: the exit status, 128 and the signal's number if one ended it.
    /// - Throws: `KernelError` if there is no shell or no process.
    public static func run(_ line: String, argument: String) throws(KernelError) -> Int32 {
        let quoted = argument.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        // Safe: system(3) reads the text up to its zero.
        let status = unsafe system("\(line) '\(quoted)'")
        guard status != -1 else { throw .last(in: "system") }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
