import Common
import Inventory
import Logging

/// What guests leave as passwords: whether they may, what is one, and who keeps it.
final class GuestPasswords: Sendable {
    typealias Keep =
        @Sendable (_ text: String, _ domain: InstanceUUID, _ done: @escaping @Sendable (PasswordKeeper.Outcome) -> Void) -> Void

    /// How long a password may be, in bytes: as long as Nova's, which keeps it in four pieces of 255.
    static let longest = 1020
    /// Of how many domains it is remembered that the operator was told of them.
    private static let memory = 1024

    private let keeper: Keep?
    private let logger: Logger
    private let told = Locked<Set<InstanceUUID>>([])

    /// - Parameter keeper: keeps a password and says what became of it; `nil` where no guest may leave one.
    init(keeper: Keep?, logger: Logger) {
        (self.keeper, self.logger) = (keeper, logger)
    }

    /// Whether a guest may leave a password; if it may not, its operator is told that it tried, once.
    func isAllowed(to instance: Instance) -> Bool {
        guard keeper == nil else { return true }
        let isNews = told.withLock { told in told.count < Self.memory && told.insert(instance.domain).inserted }
        if isNews {
            logger.notice(
                "a guest that would leave a password gets 400; --allow-password yes has it stored",
                metadata: ["domain": "\(instance.domainName)"])
        }
        return false
    }

    /// Has a password kept; `done` is called once, on any thread.
    func keep(_ text: String, for domain: InstanceUUID, done: @escaping @Sendable (PasswordKeeper.Outcome) -> Void) {
        guard let keeper else { return done(.unavailable) }
        keeper(text, domain, done)
    }

    /// A body as the text of a password; `nil` where it is too long, no UTF-8, or not to be kept in XML 1.0 (2.2).
    static func text(of body: [UInt8]) -> String? {
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
