import CLibvirt

/// The event registrations of a connection, cancelled at the end of this object's life.
///
/// libvirt's registrations retain the connection: it closes only after the last of them is cancelled.
final class Subscriptions {
    let connection: Connection
    /// The kinds of events that this connection does not support, each with the reason.
    private(set) var unavailable: [EventKind: LibvirtError] = [:]
    private let gate: HintGate
    private var numbers: [EventKind: Int32] = [:]

    /// Registers for each kind of event; a kind that is refused while the connection is alive is only recorded.
    ///
    /// - Parameter kinds: the wanted kinds.
    /// - Parameter canBeLost: false for a driver inside this process. libvirt accepts a close callback there too, but neither
    ///   calls nor frees it.
    init(
        to kinds: [EventKind], on connection: Connection, canBeLost: Bool, onHint: @escaping @Sendable (Hint) -> Void
    ) throws(LibvirtError) {
        self.connection = connection
        gate = HintGate(onHint)
        if !canBeLost {
            let message = "this driver is part of the process"
            unavailable[.connectionLoss] = LibvirtError(
                code: .noSupport, function: "virConnectRegisterCloseCallback", message: message)
        }
        for kind in kinds where kind != .connectionLoss || canBeLost {
            do throws(LibvirtError) {
                numbers[kind] = try connection.register(kind, gate)
            } catch {
                guard connection.isAlive else { throw error }
                unavailable[kind] = error
            }
        }
    }

    deinit {
        gate.close()
        // On a lost connection this fails; libvirt has cancelled its side of the registration anyway.
        for (kind, number) in numbers { connection.deregister(kind, number) }
    }
}
