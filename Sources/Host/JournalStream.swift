import Glibc

/// The systemd journal as the reader of a stream.
package enum JournalStream {
    /// Whether a file descriptor is connected to the journal (systemd.exec(5), `$JOURNAL_STREAM`). The variable alone does not say so: a shell that a
    /// user's service started has it too, and its terminal is no journal.
    ///
    /// - Parameter variable: the value of `$JOURNAL_STREAM`, `DEVICE:INODE`.
    package static func isConnected(_ descriptor: Int32, variable: String?) -> Bool {
        guard let variable else { return false }
        var status = stat()
        // Safe: fstat(2) writes the structure, and keeps no pointer.
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return variable == "\(status.st_dev):\(status.st_ino)"
    }
}
