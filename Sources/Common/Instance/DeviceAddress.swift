/// Where in the guest's machine a device is plugged in, so that a guest finds by it what it is told of.
public struct DeviceAddress: Sendable, Equatable {
    /// The kinds of bus that guests are told of.
    public enum Bus: String, Sendable {
        case pci, usb, scsi, ide, xen
        /// None of these, or nobody says.
        case none
    }

    /// The kind of bus.
    public let bus: Bus
    /// The place on it: `0000:00:03.0` on PCI, `controller:bus:target:unit` for SCSI, `bus:unit` for IDE, `bus:port` for USB; `nil` where
    /// nobody says.
    public let place: String?

    /// Puts the two together.
    public init(_ bus: Bus, _ place: String? = nil) {
        (self.bus, self.place) = (bus, place)
    }
}

/// A directory of the host that the guest can mount.
public struct Share: Sendable, Equatable {
    /// The name by which the guest mounts it.
    public let tag: String

    /// Names one.
    public init(tag: String) {
        self.tag = tag
    }
}

/// A file that the guest is to write at its first boot.
public struct InjectedFile: Sendable, Equatable {
    /// Where the guest writes it.
    public let path: String
    /// What is in it, to the byte; it may be empty.
    public let content: [UInt8]

    /// Puts the two together.
    public init(path: String, content: [UInt8]) {
        (self.path, self.content) = (path, content)
    }
}
