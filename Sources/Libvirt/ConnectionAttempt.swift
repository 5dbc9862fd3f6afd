import Common
import Dispatch

/// Opens a connection on a thread of its own.
///
/// Opening has no time limit and keepalive begins only after it, so a hung daemon would block its client forever. Here the
/// client can stop waiting; the attempt continues, and the client may wait for it again.
final class ConnectionAttempt: Sendable {
    /// A day, which Dispatch can count in nanoseconds.
    private static let longestWait = Duration.seconds(86_400)

    private let outcome = Locked<Result<Connection, LibvirtError>?>(nil)
    private let running = DispatchGroup()

    init(uri: String, access: Hypervisor.Access) {
        DispatchQueue(label: "libvirt.open").async(group: running) { [self] in
            let result: Result<Connection, LibvirtError>
            do throws(LibvirtError) {
                result = .success(try Connection(opening: uri, for: access))
            } catch {
                result = .failure(error)
            }
            outcome.withLock { $0 = result }
        }
    }

    /// The outcome, or `nil` if there is none within the limit.
    func wait(atMost limit: Duration) -> Result<Connection, LibvirtError>? {
        let (seconds, attoseconds) = min(limit, Self.longestWait).components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        _ = running.wait(timeout: .now() + .nanoseconds(nanoseconds))
        return outcome.withLock { $0 }
    }
}
