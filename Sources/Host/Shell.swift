package import Common
import Glibc

/// Runs an operator's command on this process's terminal.
package enum Shell {
    /// Runs a command line, and waits for its end; meanwhile interrupts from the terminal go to the command (system(3)).
    ///
    /// - Parameters:
    ///   - line: shell text, such as the value of `$EDITOR`.
    ///   - argument: appended as a single, quoted argument.
    /// - Returns: the exit status, 128 and the signal's number if one ended it.
    /// - Throws: `KernelError` if there is no shell or no process.
    package static func run(_ line: String, argument: String) throws(KernelError) -> Int32 {
        // Safe: system(3) reads the text up to its zero.
        let status = unsafe system("\(line) \(argument.shellWord)")
        guard status != -1 else { throw .last(in: "system") }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
