import ArgumentParser
import Glibc
import Inventory

/// `virt-metadata config`: about the configuration alone.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the configuration.", subcommands: [Check.self])

    /// `virt-metadata config check`: whether a server could start with it.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the configuration can be used, and what it changes.",
            discussion: """
                The file, the environment and these flags are read as `virt-metadata serve` would read them. Each setting that is \
                not as it is by default is printed. The exit status is 2 if anything cannot be used.

                EXAMPLES
                    virt-metadata config check
                    virt-metadata config check --config /tmp/new.yaml
                """)

        @OptionGroup var settings: SettingsOptions

        func run() async throws {
            let configuration = try settings.load()
            _ = try configuration.followsBridges()
            var lines = configuration.given.map { "\($0.name): \($0.values.joined(separator: ", "))" }
            if configuration.defaults != .init() { lines.append("defaults: given") }
            lines.append("the configuration can be used")
            try FileDescriptorOutput.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: STDOUT_FILENO)
        }
    }
}
