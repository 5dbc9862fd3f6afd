import ArgumentParser
import Common
import Configuration

/// `virt-metadata config check`: checks whether a server could start with the configuration.
struct ConfigCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate the configuration and print non-default settings.",
        discussion: """
            Reads the file, the environment and these options as `virt-metadata serve` does, and reports every error. If there is \
            an error, the exit status is 2. Also opens the files that settings name (neutron-secret, token-key, identity-key, \
            neighbours), and warns about a file that this user may not read.

            EXAMPLES
                virt-metadata config check
                virt-metadata config check --config-file /tmp/new.yaml
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<AllSettings>

    func run() async throws {
        let table = ConfigurationTable(settings.report(), opensFiles: true)
        table.printNotes(output)
        guard table.isValid else {
            if output.format != .table { try output.print(table.document([])) { _ in "" } }
            throw ExitCode(VirtMetadata.usageExitCode)
        }
        let rows = table.rows { !$0.isDefault }
        try output.print(table.document(rows)) { terminal in
            let head = "file: \(table.file.cleaned())\n"
            guard !rows.isEmpty else { return head + "OK: every setting has its default\n" }
            return head + ConfigurationTable.text(rows, on: terminal) + "OK\n"
        }
    }
}
