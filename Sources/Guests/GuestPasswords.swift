package import Common
package import Logging

/// The passwords that guests send: whether they may, which texts are valid, and the store that keeps them.
package final class GuestPasswords: Sendable {
    package typealias Keep =
        @Sendable (
            _ text: String, _ domain: InstanceUUID, _ host: HostNumber, _ done: @escaping @Sendable (PasswordOutcome) -> Void
        ) -> Void

    /// The longest password, in bytes: as long as Nova's, which stores it in four pieces of 255.
    package static let longest = 1020
    /// For how many domains the server remembers that the refusal was logged.
    private static let memory = 1024

    private let keeper: Keep?
    private let logger: Logger
    private let logged = Locked<Set<InstanceUUID>>([])

    /// - Parameter keeper: stores a password and reports the outcome; `nil` where no guest may set one.
    package init(keeper: Keep?, logger: Logger) {
        (self.keeper, self.logger) = (keeper, logger)
    }

    /// Whether guests may set passwords.
    var areAllowed: Bool { keeper != nil }

    /// Logs, once for each instance, that its guest tried to set a password.
    func logRefusal(for instance: Instance) {
        let isNews = logged.withLock { logged in logged.count < Self.memory && logged.insert(instance.domain).inserted }
        guard isNews else { return }
        logger.notice(
            "guest password POST rejected (400): set allow-password to accept it",
            metadata: [
                "domain.name": "\(instance.domainName)", "domain.uuid": "\(instance.domain)", "setting": "allow-password",
            ])
    }

    /// Stores a password; `done` is called once, on any thread.
    ///
    /// - Parameter host: that of the guest: another may have a domain with its UUID.
    package func keep(
        _ text: String, for domain: InstanceUUID, of host: HostNumber, done: @escaping @Sendable (PasswordOutcome) -> Void
    ) {
        guard let keeper else { return done(.unavailable) }
        keeper(text, domain, host, done)
    }

    /// A body as the text of a password; `nil` where it is too long, not UTF-8, or contains characters that XML 1.0 (2.2) does
    /// not allow.
    package static func text(of body: [UInt8]) -> String? {
        guard body.count <= longest, let text = String(validating: body, as: UTF8.self) else { return nil }
        return text.unicodeScalars.allSatisfy(isCharacter) ? text : nil
    }

    private static func isCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: true
        case ..<0x20, 0xFFFE, 0xFFFF: false
        default: true
        }
    }
}
