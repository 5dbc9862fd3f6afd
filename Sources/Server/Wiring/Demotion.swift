import Kernel
import Logging

/// The end of being root, for a server that was started as it.
enum Demotion {
    /// Who it becomes where nobody is named, if this host has that user.
    private static let usualUser = "virt-metadata"

    /// Becomes the user that the configuration names, which starts the program anew; returns where there is nothing to give up.
    /// - Throws: `ConfigurationError` where there is no such user, `CommandFailure` where the kernel refuses.
    static func giveUpRoot(_ configuration: Configuration, logger: Logger) throws {
        guard let user = try user(configuration, logger: logger) else { return }
        let takesRunDirectory = try configuration.followsBridges()
        do throws(KernelError) {
            // Only root may raise it beyond what it was given, and a program that is started anew keeps it.
            _ = FileDescriptors.allow(Wiring.mostFiles(configuration))
            try user.take(configuration.secrets.directory ?? Secrets.Places.defaultDirectory, files: Secrets.Places.usualNames)
            if takesRunDirectory { try user.take(configuration.runDirectory, files: OwnedFile.names) }
            try Privileges.restart(as: user)
        } catch {
            throw CommandFailure("cannot become the user '\(user.name)': \(error); '--user root' does without")
        }
    }

    /// Whom to become; `nil` where this process stays who it is.
    private static func user(_ configuration: Configuration, logger: Logger) throws -> HostUser? {
        let name = configuration.user ?? usualUser
        guard let user = try lookUp(name) else {
            guard configuration.user == nil else {
                throw ConfigurationError(
                    place: "--user", problem: "this host has no user '\(name)'; make it by '\(command(name))'")
            }
            if Privileges.isRoot {
                logger.warning(
                    "the server runs as root, for this host has no user to become",
                    metadata: ["user": "\(name)", "hint": "\(command(name)), or --user root"])
            }
            return nil
        }
        guard Privileges.isRoot else {
            guard configuration.user == nil || user.isOurs else {
                let problem = "only root can become '\(name)'; leave it out, or start as root"
                throw ConfigurationError(place: "--user", problem: problem)
            }
            return nil
        }
        return user.number == 0 ? nil : user
    }

    private static func lookUp(_ name: String) throws -> HostUser? {
        do throws(KernelError) {
            return try HostUser.named(name)
        } catch {
            throw CommandFailure("cannot look up the user '\(name)': \(error)")
        }
    }

    private static func command(_ name: String) -> String { "useradd --system --groups libvirt \(name)" }
}
