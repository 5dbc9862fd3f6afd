import Common
import Dispatch

/// A call of libvirt on a thread of its own.
///
/// libvirt's calls have no time limit and cannot be cancelled: a hung daemon, or a domain that the daemon has locked, would block its client
/// for as long as it likes. Here the client can stop waiting; the call continues, and the client may wait for it again.
final class DetachedCall<Value: Sendable>: Sendable {
    /// A day, which Dispatch can count in nanoseconds.
    private static var longestWait: Duration { .seconds(86_400) }

    private let outcome = Locked<Result<Value, LibvirtError>?>(nil)
    private let running = DispatchGroup()

    init(_ body: @escaping @Sendable () throws(LibvirtError) -> Value) {
        DispatchQueue(label: "libvirt.call").async(group: running) { [self] in
            let result = Result { () throws(LibvirtError) in try body() }
            outcome.withLock { $0 = result }
        }
    }

    /// The outcome, or `nil` if there is none within the limit.
    func wait(atMost limit: Duration) -> Result<Value, LibvirtError>? {
        let (seconds, attoseconds) = min(limit, Self.longestWait).components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        _ = running.wait(timeout: .now() + .nanoseconds(nanoseconds))
        return outcome.withLock { $0 }
    }
}
