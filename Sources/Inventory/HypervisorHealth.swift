public import Common

/// How it stands with one hypervisor, for the operator's eyes.
public struct HypervisorStatus: Sendable {
    /// libvirt's URI of it.
    public let uri: String
    /// Which of the hosts it is.
    public let host: HostNumber
    /// Whether there is a connection to it, as far as is known.
    public internal(set) var isConnected = false
    /// When all of it was last read whole; `nil` before the first time.
    public internal(set) var synchronised: ContinuousClock.Instant?
    /// Why it is not connected, or could not be read whole; `nil` where all is well.
    public internal(set) var problem: String?

    init(uri: String, host: HostNumber) {
        (self.uri, self.host) = (uri, host)
    }
}

/// Where the follower of a hypervisor writes down how it stands with it.
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
