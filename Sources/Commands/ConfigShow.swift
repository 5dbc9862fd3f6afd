import ArgumentParser
import Common
import Configuration

/// `virt-metadata config show`: prints the effective settings.
struct ConfigShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the effective settings and where each was set.",
        discussion: """
            Reads the file, the environment and these options as `virt-metadata serve` does. SOURCE is the file with its line, the \
            environment variable or the option that a value comes from, or `default`. Text in parentheses describes a setting that \
            has no value. If there is an error, prints the error and the valid settings, and exits with 2.

            EXAMPLES
                virt-metadata config show
                virt-metadata config show --all
                virt-metadata config show --all -o yaml
            """)

    @Flag(name: .shortAndLong, help: "Print all settings, also those that have their default.")
    var all = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<AllSettings>

    func run() async throws {
        let table = ConfigurationTable(settings.report())
        table.printNotes(output)
        let rows = table.rows { all || $0.source != nil }
        try output.print(table.document(rows)) { terminal in
            let head = "file: \(table.file.cleaned())\n"
            guard !rows.isEmpty else { return head + "no setting is set; --all shows the defaults\n" }
            return head + ConfigurationTable.text(rows, on: terminal)
        }
        guard table.isValid else { throw ExitCode(VirtMetadata.usageExitCode) }
    }
}
