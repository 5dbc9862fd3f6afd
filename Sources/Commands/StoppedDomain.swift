import Admin
import Configuration
import Libvirt

/// A domain that the server does not know because it does not run. The server knows running domains only, so it can only name the
/// nearest of these.
enum StoppedDomain {
    /// - Parameter answer: the server's answer about a domain.
    /// - Returns: `nil` where the answer is about something else, libvirt has no such domain, or that is not known.
    static func problem(
        _ name: String, in answer: AdminClient.Answer, _ configuration: Configuration
    ) async -> String? {
        guard answer.status == 404, answer.error != nil else { return nil }
        // ssh may ask for a password.
        for uri in configuration.connect where !uri.contains("+ssh") {
            let hypervisor = Hypervisor(uri: uri) { _ in }
            guard (try? await hypervisor.connect()) != nil else { continue }
            let found = try? await hypervisor.findDomain(name, edited: false)
            await hypervisor.disconnect()
            guard let found else { continue }
            return found.isRunning ? nil : "\(name) is not running; the server knows running domains only"
        }
        return nil
    }
}
