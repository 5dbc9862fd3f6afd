import Common
import OpenStackAPI

extension Instance {
    static func example(
        placement: [Tag] = [], project: String? = nil, publicKeys: [PublicKey] = [], tags: [Tag] = [], userData: [UInt8]? = nil,
        vendorData: JSONValue? = nil, files: [InjectedFile] = [], dedicatedProcessors: [Int] = [], shares: [Share] = [],
        virtualLinks: [VirtualLink] = [], interfaces: [NetworkInterface] = [], disks: [Disk] = [],
        password: String? = nil
    ) -> Instance {
        guard let domain = InstanceUUID("00000000-0000-4000-8000-000000000001"),
            let uuid = InstanceUUID("83679162-1378-4288-a2d4-70e13ec132aa")
        else { preconditionFailure("a UUID has 32 digits") }
        let names = InstanceNames(
            domain: domain, domainName: "web", uuid: uuid, id: "i-1", name: "Wéb", hostname: "web.example")
        var (launch, access) = (LaunchFacts(type: "small"), GuestAccess())
        (launch.placement, launch.index, launch.project) = (placement, 3, project)
        access.publicKeys = publicKeys
        var (documents, machine) = (OperatorDocuments(), GuestMachine())
        (documents.tags, documents.userData, documents.vendorData, documents.files) = (tags, userData, vendorData, files)
        (machine.dedicatedProcessors, machine.shares, machine.disks) = (dedicatedProcessors, shares, disks)
        return Instance(
            names: names, launch: launch, access: access, documents: documents, machine: machine, interfaces: interfaces,
            virtualLinks: virtualLinks, password: password)
    }
}

extension NetworkInterface {
    /// An interface on a libvirt network, or on a bridge if one is named.
    static func example(
        _ mac: UInt64 = 1, network: LibvirtName? = nil, offersDHCP: Bool = true, bridge: String? = nil, mtu: Int? = nil
    ) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0000 | mac))
        interface.network = network.map { NetworkReference(name: $0, uuid: "uuid-of-\($0)", offersDHCP: offersDHCP) }
        (interface.bridge, interface.mtu) = (bridge, mtu)
        return interface
    }
}

/// The content at a path; `nil` if there is none.
func content(at path: String, _ instance: Instance) -> Content? {
    let entropy = Entropy { [UInt8](repeating: 0, count: $0) }
    let question = Question(about: instance, address: nil, interface: nil, entropy: entropy)
    return try? TreePath(target: path).flatMap { OpenStackView().node(at: $0, for: question) }?.content
}

/// The content as text.
func read(_ path: String, _ instance: Instance) -> String? {
    content(at: path, instance).map { String(decoding: $0.bytes, as: UTF8.self) }
}
