import Common
import Configuration
import FoundationEssentials
import Inventory
import Libvirt

/// Finds the domain of a command: in a hypervisor, or in a file.
struct DomainSource {
    /// The XML of a domain, and of the networks it may name.
    struct Found {
        let xml: [UInt8]
        let edited: [UInt8]?
        let assembly: InstanceAssembly
        /// The hypervisor that defines it.
        let uri: String
    }

    /// Searched in this order; the first one that has the domain wins.
    let uris: [String]
    let edited: Bool
    let defaults: InstanceDefaults

    init(_ configuration: Configuration, edited: Bool? = nil) {
        (uris, defaults) = (configuration.connect, configuration.defaults)
        self.edited = edited ?? configuration.edited
    }

    /// Finds a domain by name, UUID or number. Where there are several hypervisors, prints which one has it.
    ///
    /// - Throws: `CommandFailure`, and `DescriptionError` where a network cannot be used.
    func domain(_ name: String) async throws -> Found {
        var failures: [String] = []
        var without: [String] = []
        for uri in uris {
            do {
                guard let found = try await domain(name, at: uri) else {
                    without.append(uri)
                    continue
                }
                for failure in failures { VirtMetadata.printError("virt-metadata: \(failure)") }
                if uris.count > 1 { VirtMetadata.printError("virt-metadata: '\(name)' is a domain at \(uri)") }
                return found
            } catch let error as LibvirtError {
                failures.append("cannot ask \(uri): \(error)")
            }
        }
        if let uri = without.first {
            let hint = uris.count == 1 ? "; `virsh -c \(uri) list --all` shows those there are" : ""
            failures.append("there is no domain '\(name)' at \(without.joined(separator: " or "))\(hint)")
        }
        throw CommandFailure(failures.joined(separator: "; "))
    }

    private func domain(_ name: String, at uri: String) async throws -> Found? {
        let hypervisor = Hypervisor(uri: uri) { _ in }
        try await hypervisor.connect()
        guard let domain = try await hypervisor.findDomain(name, edited: edited) else {
            await hypervisor.disconnect()
            return nil
        }
        let networks = try await hypervisor.networks().map { Array($0.xml.utf8) }
        await hypervisor.disconnect()
        return Found(
            xml: Array(domain.liveXML.utf8), edited: domain.inactiveXML.map { Array($0.utf8) },
            assembly: try InstanceAssembly(networks: networks, defaults: defaults, readsBare: false), uri: uri)
    }

    static func bytes(of path: String) throws(CommandFailure) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("\(path): cannot be read; is it there, and may this user read it?")
        }
        return Array(data)
    }
}
