import Description
import Logging

/// Logs what is wrong with the values that the configuration file tells to many: once for the file, and not for each domain.
enum SharedValueLog {
    /// The most values to log; `config check` prints all.
    private static let most = 20

    static func write(_ values: InstanceDefaults, to logger: Logger) {
        let unusable = values.profileFindings.filter { $0.weight == .unusable }
        for finding in unusable.prefix(most) {
            logger.warning("unusable value in a profile; it is not served", metadata: ["error": "\(finding)"])
        }
        guard unusable.count > most else { return }
        logger.warning(
            "more unusable values in profiles",
            metadata: ["count": "\(unusable.count - most)", "hint": "virt-metadata config check"])
    }
}
