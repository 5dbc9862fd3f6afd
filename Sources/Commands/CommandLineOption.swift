/// An argument of the command line as `NAME` or `NAME=VALUE`, where it is an option; before it is parsed.
struct CommandLineOption {
    let name: String
    let value: String?

    init(_ argument: String) {
        guard argument.hasPrefix("--"), let sign = argument.firstIndex(of: "=") else {
            (name, value) = (argument, nil)
            return
        }
        (name, value) = (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
    }
}
