package import Common

/// The state of the connection to a hypervisor, as shown to the operator.
package struct HypervisorStatus: Sendable {
    /// libvirt's connection URI.
    package let uri: String
    package let host: HostNumber
    /// Whether it is connected, as far as known.
    package internal(set) var isConnected = false
    /// When everything was last read; `nil` before the first time.
    package internal(set) var synchronised: ContinuousClock.Instant?
    /// Why the hypervisor is not connected, or could not be read completely; `nil` otherwise.
    package internal(set) var problem: String?

    init(uri: String, host: HostNumber) {
        (self.uri, self.host) = (uri, host)
    }
}

/// The connection state of a hypervisor, written by its keeper and read by other tasks.
final class HypervisorHealth: Sendable {
    private let held: Locked<HypervisorStatus>

    init(uri: String, host: HostNumber) {
        held = Locked(HypervisorStatus(uri: uri, host: host))
    }

    var status: HypervisorStatus { held.withLock { $0 } }

    func connected() {
        held.withLock { ($0.isConnected, $0.problem) = (true, nil) }
    }

    func synchronised() {
        held.withLock { ($0.isConnected, $0.synchronised, $0.problem) = (true, .now, nil) }
    }

    func failed(_ problem: String, isConnected: Bool) {
        held.withLock { ($0.isConnected, $0.problem) = (isConnected, problem) }
    }
}
