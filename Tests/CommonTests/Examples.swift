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
    /// An instance of which only this is known.
    static func example(
        _ number: UInt8 = 1, named name: String = "web", interfaces: [NetworkInterface] = []
    ) -> Instance {
        Instance(
            domain: .example(number), domainName: name, uuid: .example(number), id: "i-\(number)", name: name, hostname: name,
            type: "small", interfaces: interfaces)
    }
}

extension NetworkInterface {
    /// An interface of this hardware address, on a bridge if one is named.
    static func example(_ mac: UInt64 = 1, bridge: String? = nil) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: mac))
        interface.bridge = bridge
        return interface
    }
}
