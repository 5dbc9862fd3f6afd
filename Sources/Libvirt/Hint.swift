package import Common

/// The object that an event reports as changed, without its new state: the reader reads the object again.
package enum Hint: Sendable, Hashable {
    /// A domain was defined, started, stopped, reset or edited, or a device was added or removed.
    case domain(InstanceUUID)
    /// A network was defined, started, stopped or undefined.
    case network(name: LibvirtName)
    /// The connection was lost, and brings no more hints; the reason is for the log.
    case connectionLost(reason: String)
}

/// A kind of event that libvirt may send; drivers support different kinds.
package enum EventKind: String, Sendable, Hashable, CaseIterable {
    /// A domain was defined, undefined, started, suspended, resumed or stopped, or crashed.
    case lifecycle
    /// The title, description or metadata of a domain was edited.
    case metadataChange
    /// A device was plugged into a running domain.
    case deviceAdded
    /// A device was unplugged from a running domain.
    case deviceRemoved
    /// A guest was reset, or restarted itself.
    case reboot
    /// A network was defined, undefined, started or stopped.
    case networkLifecycle
    /// The connection to the daemon was lost; a driver inside this process has none.
    case connectionLoss
}
