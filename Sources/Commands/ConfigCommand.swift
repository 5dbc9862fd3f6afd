import ArgumentParser

/// `virt-metadata config`: works on the configuration alone.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check, show or create the configuration.",
        subcommands: [ConfigCheck.self, ConfigShow.self, ConfigTemplate.self])
}
