import Common
import XML

/// Device addresses in libvirt's XML (https://libvirt.org/formatdomain.html#device-addresses).
enum DeviceXML {
    /// The address of a device element.
    static func address(of device: XMLElement) -> DeviceAddress {
        let address = device.first("address")
        if address?.attribute("type") == "pci" { return DeviceAddress(.pci, address.flatMap(pci)) }
        switch device.first("target")?.attribute("bus") {
        // Without an address the domain has not been started yet; the device will be on PCI.
        case "virtio" where address == nil: return DeviceAddress(.pci)
        case "scsi": return DeviceAddress(.scsi, numbers(of: address, "controller", "bus", "target", "unit"))
        case "ide": return DeviceAddress(.ide, numbers(of: address, "bus", "unit"))
        case "usb": return DeviceAddress(.usb, numbers(of: address, "bus", "port"))
        case "xen": return DeviceAddress(.xen)
        default:
            return address?.attribute("type") == "usb"
                ? DeviceAddress(.usb, numbers(of: address, "bus", "port")) : DeviceAddress(.none)
        }
    }

    /// As Linux names it: `0000:00:03.0`.
    private static func pci(_ address: XMLElement) -> String? {
        let parts = ["domain", "bus", "slot", "function"].map { address.attribute($0).flatMap(hexadecimal) }
        guard let bus = parts[1], let slot = parts[2] else { return nil }
        let digits = { (number: Int, count: Int) in
            let text = String(number, radix: 16)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(parts[0] ?? 0, 4)):\(digits(bus, 2)):\(digits(slot, 2)).\(digits(parts[3] ?? 0, 1))"
    }

    /// `0x1a`, as libvirt writes it.
    private static func hexadecimal(_ text: String) -> Int? {
        text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }

    /// Attributes joined by colons; `nil` where one is missing.
    private static func numbers(of address: XMLElement?, _ names: String...) -> String? {
        let values = names.compactMap { address?.attribute($0) }
        return values.count == names.count ? values.joined(separator: ":") : nil
    }
}
