import Kernel
import Logging

/// The end of being root, for a server that was started as it.
enum Demotion {
    /// Who it becomes where nobody is named, if this host has that user.
    private static let usualUser = "virt-metadata"

    /// Becomes the user that the configuration names, which starts the program anew; returns where there is nothing to give up.
    /// - Throws: `ConfigurationError` where there is no such user, `CommandFailure` where the kernel refuses.
    static func giveUpRoot(_ configuration: Configuration) throws {
        guard let user = try user(configuration) else { return }
        // Only root may raise it beyond what it was given, and a program that is started anew keeps it.
        _ = FileDescriptors.allow(Wiring.mostFiles(configuration))
        try give(configuration.secrets.directory ?? Secrets.Places.defaultDirectory, with: Secrets.Places.usualNames, to: user)
        if try configuration.followsBridges() { try give(configuration.runDirectory, with: OwnedFile.names, to: user) }
        do throws(KernelError) {
            try Privileges.restart(as: user)
        } catch {
            throw CommandFailure("cannot become the user '\(user.name)': \(error); '--user root' does without")
        }
    }

    private static func give(_ directory: String, with files: Set<String>, to user: HostUser) throws(CommandFailure) {
        do throws(KernelError) {
            try user.take(directory, files: files)
        } catch {
            throw CommandFailure("cannot give \(directory) to the user '\(user.name)': \(error); '--user root' does without")
        }
    }

    /// Tells the operator of a server that is root though nobody said so, once it serves: a start that fails says why, and only that.
    static func remark(_ configuration: Configuration, logger: Logger) {
        guard Privileges.isRoot, configuration.user == nil else { return }
        logger.warning(
            "the server runs as root, for this host has no user to become",
            metadata: ["user": "\(usualUser)", "hint": "\(command(usualUser)), or --user root"])
    }

    /// Whom to become; `nil` where this process stays who it is.
    private static func user(_ configuration: Configuration) throws -> HostUser? {
        guard configuration.user != nil || Privileges.isRoot else { return nil }
        let name = configuration.user ?? usualUser
        guard let user = try lookUp(name) else {
            guard configuration.user != nil else { return nil }
            throw ConfigurationError(
                place: "--user", problem: "this host has no user '\(name)'; make it by '\(command(name))'")
        }
        if user.isOurs { return nil }
        guard Privileges.isRoot else {
            let problem = "only root can become '\(name)'; leave it out, or start as root"
            throw ConfigurationError(place: "--user", problem: problem)
        }
        return user
    }

    private static func lookUp(_ name: String) throws(CommandFailure) -> HostUser? {
        do throws(KernelError) {
            return try HostUser.named(name)
        } catch {
            throw CommandFailure("cannot look up the user '\(name)': \(error)")
        }
    }

    private static func command(_ name: String) -> String { "useradd --system --groups libvirt \(name)" }
}
