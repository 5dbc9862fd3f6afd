import Common
import Libvirt

/// Something for the inventory to do.
enum Errand: Hashable, Sendable {
    /// A domain may have changed: read it again.
    case domain(uuid: String)
    /// A network may have changed: read it again, and then its domains.
    case network(name: String)
    /// Somebody needs an address that DHCP gave: read a network's leases again.
    case leases(network: String)
    /// The hypervisor is gone.
    case connectionLost(reason: String)
    /// Connect if need be, and read everything again.
    case synchronise
    /// The same, after an attempt that failed.
    case retry
    /// What instances say whose operators have left it out has changed: put all of them together again.
    case reassemble

    init(_ hint: Hint) {
        switch hint {
        case .domain(let uuid): self = .domain(uuid: uuid)
        case .network(let name): self = .network(name: name)
        case .connectionLost(let reason): self = .connectionLost(reason: reason)
        }
    }
}

/// Errands that wait, each once however often it came, in the order of their first coming.
///
/// Its only reader is the inventory's task; anybody may add, from any thread, without waiting.
final class ErrandQueue: Sendable {
    private let waiting = Locked<(order: [Errand], known: Set<Errand>)>(([], []))
    private let wake: AsyncStream<Void>.Continuation
    /// Yields whenever something has been added since the last yield.
    let signals: AsyncStream<Void>

    init() {
        (signals, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ errand: Errand) {
        waiting.withLock { if $0.known.insert(errand).inserted { $0.order.append(errand) } }
        wake.yield()
    }

    /// Everything that waits, which then waits no longer.
    func drain() -> [Errand] {
        waiting.withLock { waiting in
            defer { waiting = ([], []) }
            return waiting.order
        }
    }
}
