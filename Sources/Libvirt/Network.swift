import CLibvirt
package import Common

/// libvirt's description of an active network at one moment.
package struct NetworkDescription: Sendable, Hashable {
    /// The name, by which domains refer to it.
    package let name: LibvirtName
    /// Lower-case with hyphens.
    package let uuid: String
    /// The current network XML (https://libvirt.org/formatnetwork.html).
    package let xml: String

    package init(name: LibvirtName, uuid: String, xml: String) {
        (self.name, self.uuid, self.xml) = (name, uuid, xml)
    }
}

/// The active networks of a hypervisor.
package struct ActiveNetworks: Sendable {
    package var described: [NetworkDescription] = []
    /// Those that libvirt lists but cannot describe: one is larger than a message of libvirt, for example.
    package var unreadable: [LibvirtName: LibvirtError] = [:]

    /// The XML of those that can be described, by name.
    package var documents: [LibvirtName: String] { Dictionary(described.map { ($0.name, $0.xml) }) { first, _ in first } }
}

/// A handle of a network.
// Safe: the pointer is the one reference that a lookup returned; it is private, not copied, and freed once.
@safe struct Network: ~Copyable {
    private let pointer: virNetworkPtr

    /// Takes ownership of a reference that libvirt returned.
    init(owning pointer: virNetworkPtr) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe virNetworkFree(pointer)
    }

    /// Passes the C handle to `body` for one synchronous call.
    func withPointer<Value>(_ body: (virNetworkPtr) throws(LibvirtError) -> Value) throws(LibvirtError) -> Value {
        try unsafe body(pointer)
    }

    func isActive() throws(LibvirtError) -> Bool {
        let answer = unsafe virNetworkIsActive(pointer)
        guard answer >= 0 else { throw .last("virNetworkIsActive") }
        return answer == 1
    }

    /// Describes the network in one call to the daemon.
    func describe() throws(LibvirtError) -> NetworkDescription {
        guard let xml = unsafe virNetworkGetXMLDesc(pointer, 0) else { throw .last("virNetworkGetXMLDesc") }
        var uuid = [CChar](repeating: 0, count: Int(VIR_UUID_STRING_BUFLEN))
        // Safe: by the manual the function writes VIR_UUID_STRING_BUFLEN bytes, the last of them 0.
        guard unsafe virNetworkGetUUIDString(pointer, &uuid) == 0 else { throw .last("virNetworkGetUUIDString") }
        return NetworkDescription(
            name: unsafe Self.name(of: pointer) ?? LibvirtName(""),
            uuid: String(decoding: uuid.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self),
            xml: unsafe String(adopting: xml))
    }

    /// The name of a network that libvirt owns, as in a callback.
    static func name(of pointer: virNetworkPtr) -> LibvirtName? {
        unsafe virNetworkGetName(pointer).map { LibvirtName(unsafe String(cString: $0)) }
    }
}

extension Connection {
    /// All active networks; none where the driver has no networks.
    func networks() throws(LibvirtError) -> ActiveNetworks {
        typealias Found = (name: LibvirtName, description: Result<NetworkDescription, LibvirtError>)
        let found = try activeNetworks { network, name -> Found in
            (name, Result { () throws(LibvirtError) in try network.describe() })
        }
        var networks = ActiveNetworks()
        for (name, description) in found {
            switch description {
            case .success(let description): networks.described.append(description)
            // The network was stopped and undefined after it was listed.
            case .failure(let error) where error.code == .noNetwork: continue
            case .failure(let error): networks.unreadable[name] = error
            }
        }
        return networks
    }

    /// The names of all active networks; none where the driver has no networks.
    func networkNames() throws(LibvirtError) -> [LibvirtName] { try activeNetworks { _, name in name } }

    private func activeNetworks<Value>(_ body: (borrowing Network, LibvirtName) -> Value) throws(LibvirtError) -> [Value] {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            var list: UnsafeMutablePointer<virNetworkPtr?>?
            let count = unsafe virConnectListAllNetworks(pointer, &list, VIR_CONNECT_LIST_NETWORKS_ACTIVE.rawValue)
            if count < 0 {
                let error = LibvirtError.last("virConnectListAllNetworks")
                guard error.code == .noSupport else { throw error }
                return []
            }
            return unsafe adopted(list, count: count) { pointer in
                let network = unsafe Network(owning: pointer)
                return body(network, unsafe Network.name(of: pointer) ?? LibvirtName(""))
            }
        }
    }

    /// The network with a name, active or not; `nil` if there is none, or the driver has no networks.
    func network(named name: LibvirtName) throws(LibvirtError) -> Network? {
        try unsafe withPointer { (pointer: virConnectPtr) throws(LibvirtError) in
            if let network = unsafe virNetworkLookupByName(pointer, name.text) { return unsafe Network(owning: network) }
            let error = LibvirtError.last("virNetworkLookupByName")
            guard [.noNetwork, .noSupport].contains(error.code) else { throw error }
            return nil
        }
    }
}
