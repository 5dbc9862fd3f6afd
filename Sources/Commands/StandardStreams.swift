import Common
import Configuration
import Glibc
import Host

struct StandardError: TextOutputStream {
    mutating func write(_ text: String) {
        // A process that closed this stream is not interested in errors about it.
        try? FileDescriptorOutput.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// Writes all bytes to a file descriptor.
enum FileDescriptorOutput {
    /// Writes bytes unchanged to programs and files; for a terminal they are cleaned, because it would interpret what a guest may
    /// have written.
    ///
    /// - Throws: As `write` does.
    static func show(_ bytes: [UInt8]) throws(CommandFailure) {
        guard isatty(STDOUT_FILENO) == 1 else { return try write(bytes, to: STDOUT_FILENO) }
        try write(Array(String(decoding: bytes, as: UTF8.self).cleaned(for: .page).utf8), to: STDOUT_FILENO)
    }

    /// - Throws: `CommandFailure` if they cannot all be written, as to a full disk.
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(CommandFailure) {
        do throws(KernelError) {
            try FileDescriptors.write(bytes, to: descriptor)
        } catch {
            throw CommandFailure("cannot write all of the output: \(error.message)")
        }
    }
}
