import CLinux
package import Common
import Glibc

/// Notifies the service manager (sd_notify(3)): a datagram of assignments to the socket that `$NOTIFY_SOCKET` names.
package struct ServiceNotification: Sendable {
    private let path: String

    /// - Parameter path: the value of `$NOTIFY_SOCKET`: an absolute path, or one behind `@` in the abstract namespace.
    package init(path: String) {
        self.path = path
    }

    /// - Parameter state: assignments, a line each, such as `READY=1`.
    /// - Throws: `KernelError`, such as `.noSuchEntry` where no process listens.
    package func send(_ state: String) throws(KernelError) {
        // Safe: both texts are read up to their zeros.
        guard unsafe clinux_send_to_unix_socket(path, state) == 0 else { throw .last(in: "sendto") }
    }
}
