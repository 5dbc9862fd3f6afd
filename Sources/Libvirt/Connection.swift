import CLibvirt

/// A connection to a hypervisor, or to its daemon.
// Safe: libvirt allows a connection to be used by several threads, and the only field never changes (virConnectPtr is
// reference-counted and locks itself; https://libvirt.org/api.html).
@safe final class Connection: @unchecked Sendable {
    private let pointer: virConnectPtr

    /// Opens a connection, without a time limit: libvirt has none here. See `DetachedCall`.
    init(opening uri: String, for access: Hypervisor.Access) throws(LibvirtError) {
        let opened = unsafe access == .reading ? virConnectOpenReadOnly(uri) : virConnectOpen(uri)
        guard let pointer = unsafe opened else { throw .last(access.function) }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        // Safe: this is the reference that opening returned, and no other code can use the pointer any more.
        unsafe virConnectClose(pointer)
    }

    /// Passes the C handle to `body` for one synchronous call.
    func withPointer<Value: ~Copyable>(_ body: (virConnectPtr) throws(LibvirtError) -> Value) throws(LibvirtError) -> Value {
        try unsafe body(pointer)
    }

    /// Whether the connection is alive, as far as this side knows; makes no call to the daemon.
    var isAlive: Bool {
        unsafe virConnectIsAlive(pointer) == 1
    }

    /// Enables keepalive messages; false for a driver inside this process, which has no connection to lose.
    ///
    /// - Parameter interval: seconds between messages.
    /// - Parameter count: how many of them may stay unanswered before the connection is closed.
    func setKeepalive(interval: Int32, count: UInt32) throws(LibvirtError) -> Bool {
        // 1 means that the daemon is too old to support keepalive messages.
        if unsafe virConnectSetKeepAlive(pointer, interval, count) >= 0 { return true }
        let error = LibvirtError.last("virConnectSetKeepAlive")
        guard error.code == .noSupport else { throw error }
        return false
    }
}
