import CLibvirt

/// The functions that libvirt calls on its event loop's thread: each only copies which domain or network changed, and passes a hint.
private enum Callback {
    /// - Returns: 0, which the manual requires of a lifecycle callback.
    @discardableResult
    static func domain(_ domain: virDomainPtr?, _ opaque: UnsafeMutableRawPointer?) -> Int32 {
        if let domain = unsafe domain, let uuid = unsafe Domain.uuid(of: domain) {
            unsafe HintGate.borrowed(opaque)?.pass(.domain(uuid))
        }
        return 0
    }

    static let network: virConnectNetworkEventLifecycleCallback = { _, network, _, _, opaque in
        guard let network = unsafe network, let name = unsafe Network.name(of: network) else { return }
        unsafe HintGate.borrowed(opaque)?.pass(.network(name: name))
    }

    /// One pointer for both registering and deregistering: libvirt identifies a close callback by its address.
    static let closed: virConnectCloseFunc = { _, reason, opaque in
        unsafe HintGate.borrowed(opaque)?.pass(.connectionLost(reason: Callback.text(of: reason)))
    }

    static let release: virFreeCallback = { opaque in unsafe HintGate.release(opaque) }

    private static func text(of reason: Int32) -> String {
        switch virConnectCloseReason(UInt32(bitPattern: reason)) {
        case VIR_CONNECT_CLOSE_REASON_EOF: "the daemon closed the connection"
        case VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the daemon did not answer keepalive messages"
        case VIR_CONNECT_CLOSE_REASON_CLIENT: "virt-metadata closed the connection"
        default: "the connection failed"
        }
    }
}

extension Connection {
    /// Registers for one kind of event, and returns the number to deregister it by.
    func register(_ kind: EventKind, _ gate: HintGate) throws(LibvirtError) -> Int32 {
        try unsafe withPointer { (connection: virConnectPtr) throws(LibvirtError) in
            let opaque = unsafe gate.retained()
            let number = unsafe Self.register(kind, connection, opaque)
            guard number >= 0 else {
                let error = LibvirtError.last(kind.registeringFunction)
                // libvirt frees only what it has accepted.
                unsafe HintGate.release(opaque)
                throw error
            }
            return number
        }
    }

    /// Cancels a registration; libvirt then releases the gate, now or once a running callback ends.
    func deregister(_ kind: EventKind, _ number: Int32) {
        // A failure needs no handling: the connection is lost, or libvirt has cancelled the registration by itself.
        _ = try? unsafe withPointer { (connection: virConnectPtr) throws(LibvirtError) in
            switch kind {
            case .connectionLoss: unsafe virConnectUnregisterCloseCallback(connection, Callback.closed)
            case .networkLifecycle: unsafe virConnectNetworkEventDeregisterAny(connection, number)
            default: unsafe virConnectDomainEventDeregisterAny(connection, number)
            }
        }
    }

    private static func register(
        _ kind: EventKind, _ connection: virConnectPtr, _ opaque: UnsafeMutableRawPointer
    ) -> Int32 {
        let release = unsafe Callback.release
        // Safe: `opaque` is a retained gate, as the callbacks expect, and `release` releases it.
        return switch kind {
        case .lifecycle:
            unsafe shim_on_domain_lifecycle(connection, { unsafe Callback.domain($1, $4) }, opaque, release)
        case .metadataChange:
            unsafe shim_on_domain_metadata_change(connection, { unsafe Callback.domain($1, $4) }, opaque, release)
        case .deviceAdded:
            unsafe shim_on_domain_device_added(connection, { unsafe Callback.domain($1, $3) }, opaque, release)
        case .deviceRemoved:
            unsafe shim_on_domain_device_removed(connection, { unsafe Callback.domain($1, $3) }, opaque, release)
        case .reboot:
            unsafe shim_on_domain_reboot(connection, { unsafe Callback.domain($1, $2) }, opaque, release)
        case .networkLifecycle:
            unsafe shim_on_network_lifecycle(connection, Callback.network, opaque, release)
        case .connectionLoss:
            unsafe virConnectRegisterCloseCallback(connection, Callback.closed, opaque, release)
        }
    }
}

extension EventKind {
    fileprivate var registeringFunction: String {
        switch self {
        case .connectionLoss: "virConnectRegisterCloseCallback"
        case .networkLifecycle: "virConnectNetworkEventRegisterAny"
        default: "virConnectDomainEventRegisterAny"
        }
    }
}
