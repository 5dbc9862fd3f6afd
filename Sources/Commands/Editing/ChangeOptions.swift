import ArgumentParser
import Common
import Configuration
import JSON

/// How the commands that change domains report.
struct ChangeOptions: ParsableArguments {
    @Flag(name: [.customShort("n"), .long], help: "Print the diff, and change nothing.")
    var dryRun = false

    @Flag(name: [.customShort("q"), .long], help: "Print only errors.")
    var quiet = false

    @Flag(help: "Do not print the diff.")
    var noDiff = false

    @Flag(
        help: ArgumentHelp(
            "Show user data, vendor data, files, credentials and passwords in the diff, which otherwise has only their sizes."))
    var showSecrets = false

    @OptionGroup var output: OutputOptions

    /// Whether the report is text, printed while the command runs.
    var printsText: Bool { output.format == .table && !quiet }

    /// Prints the reports for programs, and a summary of several.
    ///
    /// - Throws: `ExitCode` where a domain has an error.
    func finish(_ reports: [ChangeReport]) throws {
        if output.format != .table {
            let document = JSONValue.object([JSONMember("domains", .array(reports.map(\.json)))])
            try output.print(document) { _ in "" }
        }
        let failed = reports.count { $0.error != nil }
        if printsText, reports.count > 1 {
            let changed = reports.count { $0.isChanged && $0.error == nil }
            let counts = [
                (changed, dryRun ? "would change" : "changed"), (reports.count - changed - failed, "unchanged"),
                (failed, "failed"),
            ]
            let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            VirtMetadata.printError("\(reports.count) domains: \(parts.joined(separator: ", "))")
        }
        if failed > 0 { throw ExitCode(1) }
    }
}
