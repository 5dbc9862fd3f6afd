import Common

extension InstanceUUID {
    /// A UUID that ends in a number.
    static func example(_ number: UInt8 = 1) -> InstanceUUID {
        let digits = String(number, radix: 16)
        guard let uuid = InstanceUUID(String(repeating: "0", count: 32 - digits.count) + digits) else {
            preconditionFailure("32 digits")
        }
        return uuid
    }
}

extension Instance {
    static func example(
        _ number: UInt8 = 1, named name: String = "web", interfaces: [NetworkInterface] = [], libvirtID: Int? = nil,
        enabledBy: Enablement? = nil
    ) -> Instance {
        let names = InstanceNames(
            domain: .example(number), domainName: name, libvirtID: libvirtID, uuid: .example(number), id: "i-\(number)",
            name: name,
            hostname: name)
        return Instance(names: names, launch: LaunchFacts(type: "small"), interfaces: interfaces, enabledBy: enabledBy)
    }
}

extension NetworkInterface {
    /// An interface with this MAC address, on a bridge if one is named.
    static func example(_ mac: UInt64 = 1, bridge: String? = nil) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: mac))
        interface.bridge = bridge
        return interface
    }
}
