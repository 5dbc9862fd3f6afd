package import Common
package import Identity
package import Logging
package import VendorData

/// Makes the objects that a configuration describes; errors name the setting.
extension Configuration {
    /// Reads the secrets; creates those that no setting names and that do not exist.
    package func loadSecrets(_ logger: Logger) throws(ConfigurationError) -> Secrets {
        try Self.naming { () throws(SecretError) in try Secrets(secrets, logger: logger) }
    }

    /// A seal by the existing signing key, which signs on each call; no key is created.
    package func existingSeal() throws(ConfigurationError) -> DocumentSeal? {
        try Self.naming { () throws(SecretError) in try Secrets.existingSeal(secrets) }
    }

    /// The existing signing key and its certificate; none is created.
    package func existingIdentity() throws(ConfigurationError) -> SigningIdentity? {
        try Self.naming { () throws(SecretError) in try Secrets.existingIdentity(secrets) }
    }

    /// The vendor data targets; `nil` where there are none.
    package func makeVendorDataTargets(
        logger: Logger, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) -> VendorDataTargets? {
        guard !vendorDataTargets.isEmpty else { return nil }
        return VendorDataTargets(vendorDataTargets, timeout: vendorDataTimeout, logger: logger, now: now)
    }

    private static func naming<Value>(_ read: () throws(SecretError) -> Value) throws(ConfigurationError) -> Value {
        do throws(SecretError) {
            return try read()
        } catch {
            throw ConfigurationError(location: error.setting, problem: error.problem)
        }
    }
}
