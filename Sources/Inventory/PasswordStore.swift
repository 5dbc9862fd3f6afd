public import Common
public import Libvirt

/// Where guests' passwords are kept: in the metadata of their own domains, where the running domain has it and its next start
/// too.
///
/// It has a connection of its own, which is opened when it is needed: nothing else here may change a domain.
public struct PasswordStore: Sendable {
    private let hypervisor: Hypervisor

    /// The store of a hypervisor, not yet connected.
    ///
    /// - Parameter uri: libvirt's URI of it (https://libvirt.org/uri.html).
    public init(uri: String) {
        hypervisor = Hypervisor(uri: uri, access: .writing) { _ in }
    }

    /// Puts a password where there is none.
    ///
    /// - Parameter password: only characters that XML 1.0 can hold (2.2), and at least one.
    /// - Returns: `notAllowed` where there is one.
    public func store(_ password: String, for domain: InstanceUUID) async throws(LibvirtError) -> MetadataChange {
        try await change(domain, to: PasswordElement.xml(for: password)) { element in
            element.flatMap { PasswordElement.text(ofElement: $0) } == nil
        }
    }

    /// Takes away the password of a domain, running or not; nothing happens if it has none.
    public func clear(_ domain: InstanceUUID) async throws(LibvirtError) -> MetadataChange {
        try await change(domain, to: nil) { _ in true }
    }

    /// Whether there is a connection and it is not known to be broken.
    public var isConnected: Bool {
        get async { await hypervisor.isConnected }
    }

    /// Ends the connection, if there is one.
    public func disconnect() async {
        await hypervisor.disconnect()
    }

    private func change(
        _ domain: InstanceUUID, to element: String?, where allows: @escaping @Sendable (String?) -> Bool
    ) async throws(LibvirtError) -> MetadataChange {
        let wasConnected = await hypervisor.isConnected
        if !wasConnected { try await hypervisor.connect() }
        do throws(LibvirtError) {
            return try await change(domain.description, element, allows)
        } catch {
            // A connection may have ended while nobody used it; a new one has not.
            guard wasConnected, !(await hypervisor.isConnected) else { throw error }
            try await hypervisor.connect()
            return try await change(domain.description, element, allows)
        }
    }

    private func change(
        _ uuid: String, _ element: String?, _ allows: @escaping @Sendable (String?) -> Bool
    ) async throws(LibvirtError) -> MetadataChange {
        try await hypervisor.setMetadata(
            to: element, namespace: PasswordElement.namespace, prefix: PasswordElement.prefix, ofDomain: uuid, where: allows)
    }
}
