/// What an event says has changed, never what it is now: whoever hears it reads that thing again.
public enum Hint: Sendable, Hashable {
    /// A domain was defined, started, stopped, reset or edited, or a device of it came or went. The UUID is lower-case.
    case domain(uuid: String)
    /// A network was defined, started, stopped or undefined.
    case network(name: String)
    /// The connection ended without our asking, and has no more hints; the reason is for an operator to read.
    case connectionLost(reason: String)
}

/// A kind of news that libvirt may have for us; drivers differ in what they offer.
public enum EventKind: String, Sendable, Hashable, CaseIterable {
    /// A domain was defined, undefined, started, suspended, resumed or stopped, or crashed.
    case lifecycle
    /// The title, description or metadata of a domain was edited.
    case metadataChange
    /// A device was plugged into a running domain.
    case deviceAdded
    /// A device was taken out of a running domain.
    case deviceRemoved
    /// A guest was reset, or restarted itself.
    case reboot
    /// A network was defined, undefined, started or stopped.
    case networkLifecycle
    /// The connection to the daemon broke; a driver inside this process has none.
    case connectionLoss
}
