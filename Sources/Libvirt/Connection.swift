import CLibvirt

/// One connection to a hypervisor, or to the daemon that speaks for it.
// Safe: libvirt allows a connection to be used by several threads, and the only field never changes (virConnectPtr is
// reference-counted and locks itself; https://libvirt.org/api.html).
@safe final class Connection: @unchecked Sendable {
    private let pointer: virConnectPtr

    /// Opens a connection, for as long as that takes: libvirt has no time limit here. See `ConnectionAttempt`.
    init(opening uri: String, for access: Hypervisor.Access) throws(LibvirtError) {
        let opened = unsafe access == .reading ? virConnectOpenReadOnly(uri) : virConnectOpen(uri)
        guard let pointer = unsafe opened else { throw .last(access.function) }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        // Safe: this is the reference that opening gave, and nobody can ask for the pointer any more.
        unsafe virConnectClose(pointer)
    }

    /// Lends the C handle for the time of one synchronous call.
    func withPointer<Value: ~Copyable>(_ body: (virConnectPtr) throws(LibvirtError) -> Value) throws(LibvirtError) -> Value {
        try unsafe body(pointer)
    }

    /// Whether the connection still stands, as far as this side knows; asks nobody.
    var isAlive: Bool {
        unsafe virConnectIsAlive(pointer) == 1
    }

    /// Asks for keepalive messages; false for a driver inside this process, which has no connection to lose.
    ///
    /// - Parameter interval: seconds between messages.
    /// - Parameter count: how many of them may stay unanswered before the connection is given up.
    func setKeepalive(interval: Int32, count: UInt32) throws(LibvirtError) -> Bool {
        // 1 means that the daemon does not know keepalive messages: it is a daemon, only an old one.
        if unsafe virConnectSetKeepAlive(pointer, interval, count) >= 0 { return true }
        let error = LibvirtError.last("virConnectSetKeepAlive")
        guard error.code == .noSupport else { throw error }
        return false
    }
}
