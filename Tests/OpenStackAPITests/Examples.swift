import Common
import OpenStackAPI

extension Instance {
    /// An instance of which only this is known, besides its names.
    static func example(
        placement: [Tag] = [], project: String? = nil, publicKeys: [PublicKey] = [], tags: [Tag] = [], userData: [UInt8]? = nil,
        vendorData: JSONValue? = nil, files: [InjectedFile] = [], dedicatedProcessors: [Int] = [], shares: [Share] = [],
        virtualLinks: [VirtualLink] = [], interfaces: [NetworkInterface] = [], disks: [Disk] = []
    ) -> Instance {
        guard let domain = InstanceUUID("00000000-0000-4000-8000-000000000001"),
            let uuid = InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa")
        else { preconditionFailure("a UUID has 32 digits") }
        return Instance(
            domain: domain, domainName: "web", uuid: uuid, id: "i-1", name: "Wéb", hostname: "web.example", type: "small",
            placement: placement, launchIndex: 3, project: project, publicKeys: publicKeys, tags: tags, userData: userData,
            vendorData: vendorData, files: files, dedicatedProcessors: dedicatedProcessors, shares: shares,
            virtualLinks: virtualLinks,
            interfaces: interfaces, disks: disks)
    }
}

extension NetworkInterface {
    /// An interface on a libvirt network, or on a bridge if it names one.
    static func example(
        _ mac: UInt64 = 1, network: String? = nil, offersDHCP: Bool = true, bridge: String? = nil, mtu: Int? = nil
    ) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0000 | mac))
        interface.network = network.map { NetworkReference(name: $0, uuid: "uuid-of-\($0)", offersDHCP: offersDHCP) }
        (interface.bridge, interface.mtu) = (bridge, mtu)
        return interface
    }
}

/// What stands at a path about an instance; `nil` where there is nothing.
func content(at path: String, _ instance: Instance) -> Content? {
    let entropy = Entropy { [UInt8](repeating: 0, count: $0) }
    let question = Question(about: instance, address: nil, interface: nil, entropy: entropy)
    return TreePath(target: path).flatMap { OpenStackView().node(at: $0, for: question) }?.content
}

/// The same as text.
func read(_ path: String, _ instance: Instance) -> String? {
    content(at: path, instance).map { String(decoding: $0.bytes, as: UTF8.self) }
}
