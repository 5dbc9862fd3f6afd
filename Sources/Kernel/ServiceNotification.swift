import CLinux
import Glibc

/// What a service tells the manager that started it (sd_notify(3)): a datagram of assignments to the socket that `$NOTIFY_SOCKET` names.
public struct ServiceNotification: Sendable {
    private let path: String

    /// - Parameter path: the value of `$NOTIFY_SOCKET`: an absolute path, or one behind `@` in the abstract namespace.
    public init(path: String) {
        self.path = path
    }

    /// Tells the manager.
    ///
    /// - Parameter state: assignments, a line each, such as `READY=1`.
    /// - Throws: `KernelError`, such as `.noSuchEntry` where nobody listens.
    public func send(_ state: String) throws(KernelError) {
        // Safe: both texts are read up to their zeros.
        guard unsafe clinux_send_to_unix_socket(path, state) == 0 else { throw .last(in: "sendto") }
    }
}
