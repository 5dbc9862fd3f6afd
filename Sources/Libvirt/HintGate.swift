import Common

/// The way from libvirt's callbacks to whoever wants hints, open until it is closed.
///
/// It is what each callback is given: a retained reference goes into libvirt with each registration, and libvirt's free
/// callback releases it. So it may outlive its connection, and then stays closed.
final class HintGate: Sendable {
    /// A function of its own type. Bare, it would be wrapped once more each time that the lock lends it, for a generic type keeps functions in
    /// a form of its own: memory would grow with every hint, and so would the depth of the call.
    private struct Listener {
        let hear: @Sendable (Hint) -> Void
    }

    private let listener: Locked<Listener?>

    init(_ listener: @escaping @Sendable (Hint) -> Void) {
        self.listener = Locked(Listener(hear: listener))
    }

    /// Hands a hint on, unless the gate is closed.
    func pass(_ hint: Hint) {
        listener.withLock { $0?.hear(hint) }
    }

    /// Waits for a hint that is just passing; afterwards none passes.
    func close() {
        listener.withLock { $0 = nil }
    }

    /// A reference that C may hold, to be given back with `release(_:)` once.
    func retained() -> UnsafeMutableRawPointer {
        unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// The gate that a callback was registered with.
    static func borrowed(_ opaque: UnsafeMutableRawPointer?) -> HintGate? {
        // Safe: libvirt hands its callbacks what `retained()` gave, and keeps it until after the last of them.
        unsafe opaque.map { unsafe Unmanaged<HintGate>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Gives back what `retained()` gave.
    static func release(_ opaque: UnsafeMutableRawPointer?) {
        // Safe: called once for each registration: by libvirt when it drops it, or by us when it was refused.
        guard let opaque = unsafe opaque else { return }
        unsafe Unmanaged<HintGate>.fromOpaque(opaque).release()
    }
}
