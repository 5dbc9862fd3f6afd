package import Common
import Description
package import Libvirt

/// Stores guests' passwords in the metadata of their domains: in the running domain and in its definition.
///
/// It has a connection of its own, which is opened on demand: no other connection of the server may change a domain.
package struct PasswordStore: Sendable {
    private let hypervisor: Hypervisor

    /// Does not connect yet.
    ///
    /// - Parameter uri: libvirt's connection URI (https://libvirt.org/uri.html).
    package init(uri: String) {
        hypervisor = Hypervisor(uri: uri, access: .writing) { _ in }
    }

    /// Stores a password for a domain that has none.
    ///
    /// - Parameter password: only characters that XML 1.0 allows (2.2), and at least one.
    /// - Returns: `notAllowed` where there is one.
    package func store(_ password: String, for domain: InstanceUUID) async throws(LibvirtError) -> MetadataChange {
        try await change(domain, to: PasswordElement.xml(for: password)) { element in
            element.flatMap { PasswordElement.text(ofElement: $0) } == nil
        }
    }

    /// Removes the password of a domain, running or not, if it has one.
    package func clear(_ domain: InstanceUUID) async throws(LibvirtError) -> MetadataChange {
        try await change(domain, to: nil) { _ in true }
    }

    /// Whether there is a connection that is not known to be lost.
    package var isConnected: Bool {
        get async { await hypervisor.isConnected }
    }

    package func disconnect() async {
        await hypervisor.disconnect()
    }

    private func change(
        _ domain: InstanceUUID, to element: String?, where allows: @escaping @Sendable (String?) -> Bool
    ) async throws(LibvirtError) -> MetadataChange {
        let wasConnected = await hypervisor.isConnected
        if !wasConnected { try await hypervisor.connect() }
        do throws(LibvirtError) {
            return try await write(element, of: domain, where: allows)
        } catch {
            // An idle connection may have been lost; a new one has not.
            guard wasConnected, !(await hypervisor.isConnected) else { throw error }
            try await hypervisor.connect()
            return try await write(element, of: domain, where: allows)
        }
    }

    private func write(
        _ element: String?, of domain: InstanceUUID, where allows: @escaping @Sendable (String?) -> Bool
    ) async throws(LibvirtError) -> MetadataChange {
        try await hypervisor.setMetadata(
            to: element, namespace: PasswordElement.namespace, prefix: PasswordElement.prefix, ofDomain: domain, where: allows)
    }
}
