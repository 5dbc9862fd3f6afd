import Common

/// Passes hints from libvirt's callbacks to the listener until it is closed.
///
/// It is the argument of each callback: each registration passes a retained reference to libvirt, and libvirt's free callback
/// releases it. So it may outlive its connection, and then stays closed.
final class HintGate: Sendable {
    /// Wraps the function in a struct. A bare function would be wrapped once more at each access to the lock, because a generic type stores functions
    /// in a different representation: memory and call depth would grow with every hint.
    private struct Listener {
        let handle: @Sendable (Hint) -> Void
    }

    private let listener: Locked<Listener?>

    init(_ listener: @escaping @Sendable (Hint) -> Void) {
        self.listener = Locked(Listener(handle: listener))
    }

    /// Passes a hint to the listener, unless the gate is closed.
    func pass(_ hint: Hint) {
        listener.withLock { $0?.handle(hint) }
    }

    /// Waits for a hint in progress; afterwards no hint passes.
    func close() {
        listener.withLock { $0 = nil }
    }

    /// A retained reference for C, to be released once by `release(_:)`.
    func retained() -> UnsafeMutableRawPointer {
        unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// The gate that a callback was registered with.
    static func borrowed(_ opaque: UnsafeMutableRawPointer?) -> HintGate? {
        // Safe: libvirt passes the reference from `retained()` to its callbacks, and keeps it until after the last of them.
        unsafe opaque.map { unsafe Unmanaged<HintGate>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Releases the reference from `retained()`.
    static func release(_ opaque: UnsafeMutableRawPointer?) {
        // Safe: called once for each registration: by libvirt when it cancels it, or by `register` when libvirt refused it.
        guard let opaque = unsafe opaque else { return }
        unsafe Unmanaged<HintGate>.fromOpaque(opaque).release()
    }
}
