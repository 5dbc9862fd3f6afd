import Libvirt

/// A domain that libvirt lists but cannot describe: it is larger than a message of libvirt, for example.
struct UnreadableDomain: Error {
    let name: String
    let reason: LibvirtError

    var problem: String { "cannot read the domain: \(reason.message)" }
}

extension Hypervisor {
    /// A listed domain, for a command that continues with the others if it cannot be read; `nil` if it no longer exists.
    ///
    /// - Throws: the error of a lost connection, with which the others cannot be read either.
    func read(
        _ listed: DomainReference, edited: Bool
    ) throws(LibvirtError) -> Result<DomainDescription, UnreadableDomain>? {
        do throws(LibvirtError) {
            return try domain(listed, edited: edited).map(Result.success)
        } catch {
            guard isConnected else { throw error }
            return .failure(UnreadableDomain(name: listed.name, reason: error))
        }
    }
}
