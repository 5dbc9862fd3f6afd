import ArgumentParser
import Common
import Configuration
import Glibc
import Host

/// The program: one command with subcommands.
package struct VirtMetadata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virt-metadata",
        abstract: "The metadata server for libvirt guests.",
        discussion: """
            A cloud image asks 169.254.169.254 who it is; virt-metadata finds the libvirt domain that asks and answers from the \
            domain's own XML, as EC2 and OpenStack metadata and as a NoCloud seed.
            """,
        version: Version.current,
        subcommands: [
            Enable.self, Disable.self, SetValues.self, Unset.self, Edit.self,
            List.self, DoctorCommand.self, Get.self, Log.self, Tree.self, Check.self, Password.self,
            Serve.self, ConfigCommand.self, Certificate.self, Convert.self, Release.self,
        ])

    /// The exit status of wrong usage or configuration.
    static let usageExitCode: Int32 = 2

    package static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ConfigurationError {
            printError("virt-metadata: \(error)")
            Glibc.exit(usageExitCode)
        } catch let error as CommandFailure {
            printError("virt-metadata: \(error)")
            Glibc.exit(1)
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            printError(fullMessage(for: error), as: .page)
            Glibc.exit(usageExitCode)
        }
    }

    /// Prints a message to the standard error stream; guests or other operators may have written a part of it.
    static func printError(_ text: String, as layout: String.Layout = .line) {
        var stream = StandardError()
        print(text.cleaned(for: layout), to: &stream)
    }
}
