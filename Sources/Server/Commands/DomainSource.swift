import Common
import FoundationEssentials
import Inventory
import Libvirt

/// Where a command that is about one domain finds it: in the hypervisor, or in a file.
struct DomainSource {
    /// The XML of a domain, and of the networks it may name.
    struct Found {
        let xml: [UInt8]
        let edited: [UInt8]?
        let assembly: InstanceAssembly
    }

    let uri: String
    let edited: Bool

    /// A domain of the hypervisor, by name, UUID or number.
    ///
    /// - Throws: `CommandFailure`, and `DescriptionError` where a network cannot be used.
    func domain(_ name: String) async throws -> Found {
        let hypervisor = Hypervisor(uri: uri) { _ in }
        do {
            try await hypervisor.connect()
            guard let domain = try await hypervisor.findDomain(name, edited: edited) else {
                await hypervisor.disconnect()
                throw CommandFailure("there is no domain '\(name)' at \(uri); `virsh -c \(uri) list --all` shows those there are")
            }
            let networks = try await hypervisor.networks().map { Array($0.xml.utf8) }
            await hypervisor.disconnect()
            return Found(
                xml: Array(domain.liveXML.utf8), edited: domain.inactiveXML.map { Array($0.utf8) },
                assembly: try InstanceAssembly(networks: networks, readsBare: false))
        } catch let error as LibvirtError {
            throw CommandFailure("cannot ask \(uri): \(error)")
        }
    }

    /// The bytes of a file.
    static func bytes(of path: String) throws(CommandFailure) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path): cannot be read; is it there, and may this user read it?")
        }
        return Array(data)
    }
}
