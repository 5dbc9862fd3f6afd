import ArgumentParser
import Common
import Configuration
import Glibc

/// `virt-metadata version`: the same as `--version`, as virsh has it.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.", shouldDisplay: false)

    func run() throws {
        try FileDescriptorOutput.write(Array("\(Version.current)\n".utf8), to: STDOUT_FILENO)
    }
}
