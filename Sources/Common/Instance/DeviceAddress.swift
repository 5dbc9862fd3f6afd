/// The address of a device in the virtual machine, by which the guest finds the device.
package struct DeviceAddress: Sendable, Equatable {
    /// The bus types in the documents that guests read.
    package enum Bus: String, Sendable {
        case pci, usb, scsi, ide, xen
        /// Another bus, or unknown.
        case none
    }

    package let bus: Bus
    /// The address on the bus: `0000:00:03.0` on PCI, `controller:bus:target:unit` for SCSI, `bus:unit` for IDE, `bus:port` for
    /// USB; `nil` if unknown.
    package let position: String?

    package init(_ bus: Bus, _ position: String? = nil) {
        (self.bus, self.position) = (bus, position)
    }
}
