import Common

/// The way from libvirt's callbacks to whoever wants hints, open until it is closed.
///
/// It is what each callback is given: a retained reference goes into libvirt with each registration, and libvirt's free
/// callback releases it. So it may outlive its connection, and then stays closed.
final class HintGate: Sendable {
    private let listener: Locked<(@Sendable (Hint) -> Void)?>

    init(_ listener: @escaping @Sendable (Hint) -> Void) {
        self.listener = Locked(listener)
    }

    /// Hands a hint on, unless the gate is closed.
    func pass(_ hint: Hint) {
        listener.withLock { listener in listener?(hint) }
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
