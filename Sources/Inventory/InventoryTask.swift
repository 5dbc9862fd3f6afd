import Common
import Libvirt

/// A task of the inventory.
enum InventoryTask: Hashable, Sendable {
    /// A part of the hypervisor that is read separately.
    enum Subject: Hashable, Sendable {
        /// A domain that may have changed.
        case domain(InstanceUUID)
        /// A domain whose network or lease has changed, and which must be assembled again.
        case attachedDomain(InstanceUUID)
        /// A network that may have changed.
        case network(name: LibvirtName)
        /// A network's leases, because a request needs a DHCP address.
        case leases(network: LibvirtName)
    }

    /// Read one part again.
    case read(Subject)
    /// The connection to the hypervisor was lost.
    case connectionLost(reason: String)
    /// Connect if necessary, and read everything again.
    case synchronise
    /// The same, after a failed attempt.
    case retry
    /// The defaults for instances have changed: assemble all instances again.
    case reassemble

    init(_ hint: Hint) {
        switch hint {
        case .domain(let uuid): self = .read(.domain(uuid))
        case .network(let name): self = .read(.network(name: name))
        case .connectionLost(let reason): self = .connectionLost(reason: reason)
        }
    }
}
