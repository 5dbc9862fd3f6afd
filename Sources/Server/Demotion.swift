import Common
package import Configuration
import Host
import Identity
import Interception
import Logging

/// Drops root in a server that was started as root.
package enum Demotion {
    /// The user that the server switches to by default, if this host has it.
    private static let usualUser = "virt-metadata"

    /// Switches to the configured user, which re-executes the program; returns where there is no root to drop.
    ///
    /// - Throws: `ConfigurationError` where there is no such user, `CommandFailure` where the kernel refuses.
    static func dropRoot(_ configuration: Configuration) throws {
        guard let user = try user(configuration) else { return }
        // Only root may raise the limit beyond the inherited one, and a re-executed program keeps it.
        _ = FileDescriptors.allow(try Wiring.mostFiles(configuration))
        try give(configuration.secrets.directory, with: Secrets.Locations.usualNames, to: user)
        if try configuration.followsBridges() { try give(configuration.runDirectory, with: InstalledStateFile.names, to: user) }
        do throws(KernelError) {
            try Privileges.restart(as: user)
        } catch {
            throw CommandFailure("cannot switch to user '\(user.name)': \(error); --user root keeps root")
        }
    }

    /// Switches to the owner of a file, which re-executes the program: root must not trust what that user wrote. Returns where
    /// the file belongs to root, as that of a server that stayed root does, where its owner is no user of this host, and where
    /// `--user root` is given.
    ///
    /// - Throws: `CommandFailure`.
    package static func becomeOwner(ofFile path: String, _ configuration: Configuration) throws(CommandFailure) {
        guard Privileges.isRoot, configuration.user != "root" else { return }
        do throws(KernelError) {
            guard let owner = try HostUser.owner(ofFile: path) else { return }
            try Privileges.restart(as: owner)
        } catch {
            throw CommandFailure("cannot switch to the owner of \(path): \(error); --user root keeps root")
        }
    }

    private static func give(_ directory: String, with files: Set<String>, to user: HostUser) throws(CommandFailure) {
        do throws(KernelError) {
            try user.take(directory, files: files)
        } catch {
            guard error.code != .symbolicLink else {
                throw CommandFailure(
                    "cannot change the owner of \(directory) to '\(user.name)': a symbolic link on its path is not root's "
                        + "(\(error.operation)); replace the link by a directory, or configure another directory")
            }
            throw CommandFailure("cannot change the owner of \(directory) to '\(user.name)': \(error); --user root keeps root")
        }
    }

    /// Warns, once the server serves, that it runs as root although `--user root` is not given: a start that fails reports its
    /// cause only.
    static func warnAboutRoot(_ configuration: Configuration, logger: Logger) {
        guard Privileges.isRoot, configuration.user == nil else { return }
        logger.warning(
            "running as root: user '\(usualUser)' does not exist",
            metadata: ["setting": "user", "hint": "\(command(usualUser)), or --user root"])
    }

    /// The user to switch to; `nil` where this process stays as it is.
    private static func user(_ configuration: Configuration) throws -> HostUser? {
        guard configuration.user != nil || Privileges.isRoot else { return nil }
        let name = configuration.user ?? usualUser
        guard let user = try lookUp(name) else {
            guard configuration.user != nil else { return nil }
            throw ConfigurationError(
                location: "--user", problem: "user '\(name)' does not exist; create it: \(command(name))")
        }
        if user.isOurs { return nil }
        guard Privileges.isRoot else {
            let problem = "only root can switch to user '\(name)'; start as root, or omit this setting"
            throw ConfigurationError(location: "--user", problem: problem)
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
