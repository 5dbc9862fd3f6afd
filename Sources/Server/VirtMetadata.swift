import ArgumentParser
import Glibc
import Kernel

/// The program: one command with a few below it.
@main
struct VirtMetadata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virt-metadata",
        abstract: "The metadata server for libvirt guests.",
        discussion: """
            A cloud image asks 169.254.169.254 who it is; virt-metadata finds the libvirt domain that asks and answers from the \
            domain's own XML, as EC2 and OpenStack metadata and as a NoCloud seed.
            """,
        version: version,
        subcommands: [
            Enable.self, Disable.self, SetValues.self, Unset.self, Edit.self,
            List.self, DoctorCommand.self, Get.self, Log.self, Tree.self, Check.self, Password.self,
            Serve.self, ConfigCommand.self, Certificate.self, Convert.self, Release.self,
        ])

    /// The version, as packages and metrics name it.
    static let version = "0.1.0"

    /// What a command ends with when it was called or configured wrongly.
    static let usageExitCode: Int32 = 2

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ConfigurationError {
            complain("virt-metadata: \(error)")
            Glibc.exit(usageExitCode)
        } catch let error as CommandFailure {
            complain("virt-metadata: \(error)")
            Glibc.exit(1)
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            complain(fullMessage(for: error))
            Glibc.exit(usageExitCode)
        }
    }

    /// Tells the operator, on the standard error stream.
    static func complain(_ text: String) {
        var stream = StandardError()
        print(text, to: &stream)
    }
}

/// Why a command could not do what it was asked.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The standard error stream.
struct StandardError: TextOutputStream {
    mutating func write(_ text: String) {
        // Who closed this stream wants to hear nothing of it.
        try? FileDescriptorOutput.write(Array(text.utf8), to: STDERR_FILENO)
    }
}

/// Bytes to a file descriptor, all of them.
enum FileDescriptorOutput {
    /// - Throws: `CommandFailure` if they cannot all be written, as to a full disk.
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(CommandFailure) {
        do throws(KernelError) {
            try FileDescriptors.write(bytes, to: descriptor)
        } catch {
            throw CommandFailure("cannot write all of the output: \(error.message)")
        }
    }
}
