import ArgumentParser
import Common
import Configuration
import Glibc
import JSON
import YAML

/// The form in which a command prints its result.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// Text for people.
    case table
    case json
    case yaml
}

/// `-o` and `--json`, which all commands that print a result share.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Format of the result. Default: table.", valueName: "format"))
    var output: OutputFormat?

    @Flag(name: .customLong("json"), help: "The same as -o json.")
    var isJSON = false

    var format: OutputFormat { output ?? (isJSON ? .json : .table) }

    func validate() throws {
        guard !isJSON || output == nil || output == .json else {
            throw ValidationError("--json and -o \(format.rawValue) contradict each other: use one of them")
        }
    }

    /// Prints a result to the standard output stream.
    ///
    /// - Parameters:
    ///   - document: the result for programs.
    ///   - text: the same for people, with a newline at its end, and without characters that a terminal would interpret.
    func print(_ document: @autoclosure () -> JSONValue, table text: (Terminal) -> String) throws(CommandFailure) {
        switch format {
        case .table: try FileDescriptorOutput.write(Array(text(Terminal(STDOUT_FILENO)).utf8), to: STDOUT_FILENO)
        case .json: try FileDescriptorOutput.show(Array((JSONEncoding.text(document()) + "\n").utf8))
        case .yaml: try FileDescriptorOutput.show(Array(YAMLEncoding.text(document()).utf8))
        }
    }
}
