import ArgumentParser
import Common
import Configuration
import Emulator
import Glibc
import Host

/// The program: one command with subcommands.
package struct VirtMetadata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virt-metadata",
        abstract: "Serve cloud metadata to libvirt guests.",
        discussion: """
            Cloud images request their host name, SSH keys, user data and network configuration from 169.254.169.254. The server \
            matches each request to a libvirt domain by the guest's bridge port, and serves the values in the domain's XML as EC2, \
            OpenStack and NoCloud metadata.

            EXAMPLES
                sudo virt-metadata enable web --ssh-key ~/.ssh/id_ed25519.pub
                sudo virt-metadata list
                sudo virt-metadata doctor web
            """,
        version: Version.current, subcommands: [VersionCommand.self],
        groupedSubcommands: [
            CommandGroup(name: "Domain", subcommands: [Enable.self, Disable.self, SetValues.self, Unset.self, Edit.self]),
            CommandGroup(
                name: "Inspection",
                subcommands: [
                    List.self, Status.self, DoctorCommand.self, Get.self, Requests.self, Tree.self, Check.self, Password.self,
                ]),
            CommandGroup(
                name: "Service",
                subcommands: [Serve.self, ConfigCommand.self, Cleanup.self, IdentityCertificate.self, Convert.self]),
            CommandGroup(name: "Testing", subcommands: [Emulate.self, Crawl.self, Compare.self, ConformanceCommand.self]),
        ])

    /// The exit status of wrong usage or configuration.
    static let usageExitCode: Int32 = 2

    package static func main() async {
        do {
            try FormerFlags.refuseBoth(in: Array(CommandLine.arguments.dropFirst()))
            let arguments = ArgumentNormalization()(Array(CommandLine.arguments.dropFirst()))
            try UnknownCommand.refuse(in: arguments)
            try ConfigurationFileHint.refuse(in: arguments)
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ConfigurationError {
            printError("virt-metadata: \(error)")
            Glibc.exit(usageExitCode)
        } catch let error as EmulatorError {
            printError("virt-metadata: \(error)")
            Glibc.exit(usageExitCode)
        } catch let error as CommandFailure {
            printError("virt-metadata: \(error)")
            Glibc.exit(1)
        } catch {
            switch exitCode(for: error) {
            case .success:
                // A help that was asked for, the version, or a completion script.
                print(BashCompletion.safe(SettingSections.divide(fullMessage(for: error))))
                Glibc.exit(0)
            case .validationFailure:
                printError(fullMessage(for: error), as: .page)
                Glibc.exit(usageExitCode)
            default: exit(withError: error)
            }
        }
    }

    /// Prints a message to the standard error stream; guests or other operators may have written a part of it.
    static func printError(_ text: String, as layout: String.Layout = .line) {
        var stream = StandardError()
        print(text.cleaned(for: layout), to: &stream)
    }
}
