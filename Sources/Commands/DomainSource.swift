import Common
import Configuration
import Description
import Host
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
                failures.append(DomainEditor.explanation(of: error, at: uri))
            }
        }
        if let uri = without.first {
            let hint = uris.count == 1 ? "; `virsh -c \(uri.shellWord) list --all` lists the domains" : ""
            failures.append("no domain '\(name)' at \(without.joined(separator: " or "))\(hint)")
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
        let networks = try await hypervisor.networks()
        await hypervisor.disconnect()
        return Found(
            xml: Array(domain.liveXML.utf8), edited: domain.inactiveXML.map { Array($0.utf8) },
            assembly: networks.assembly(defaults: defaults), uri: uri)
    }

    /// The largest file that is read: longer ones are not meant.
    private static let longestFile = 64 << 20

    /// The contents of a file, or of the standard input for `-`.
    ///
    /// - Throws: `CommandFailure` where it cannot be read, or is longer than `mostBytes`.
    static func bytes(of path: String, mostBytes: Int = longestFile) throws(CommandFailure) -> [UInt8] {
        do throws(KernelError) {
            return try FileDescriptors.contents(of: path == "-" ? nil : path, mostBytes: mostBytes)
        } catch {
            throw CommandFailure("cannot read \(path == "-" ? "standard input" : path): \(error.message)")
        }
    }
}
