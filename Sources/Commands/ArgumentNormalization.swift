import Configuration

/// Rewrites the arguments of the command line, before they are parsed, into the one spelling that each has in the help texts:
/// options before the subcommand move behind it, and earlier names become today's.
struct ArgumentNormalization {
    /// Earlier names of commands, with today's.
    static let formerCommands = ["log": "requests", "release": "cleanup", "certificate": "identity-certificate"]
    /// Commands whose `--config` is virsh's: the persistent definition.
    static let editingCommands: Set<String> = ["enable", "disable", "set", "unset", "edit"]
    /// The command that has subcommands of its own.
    static let group = "config"
    /// The command that starts another after `--`, and the option that each word of that becomes: the parser knows no second list of
    /// words.
    static let (starter, startedWord) = ("emulate", "--command")
    /// Options besides the settings that may precede the subcommand and take a value, with the name that they have behind it.
    private static let valued = [
        "--config": "--config-file", "--config-file": "--config-file", "-c": "-c", "-o": "-o", "--output": "-o",
    ]
    /// Such options without a value.
    private static let valueless: Set<String> = ["--json"]
    private static let booleans = ["yes": true, "on": true, "true": true, "no": false, "off": false, "false": false]

    private let settings = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.name, $0) })

    func callAsFunction(_ arguments: [String]) -> [String] {
        guard let (leading, rest) = split(arguments), let command = rest.first else { return arguments }
        let today = Self.formerCommands[command] ?? command
        var path = [today]
        // A misspelt subcommand too, which is reported then.
        if today == Self.group, rest.count > 1, !rest[1].hasPrefix("-") { path.append(rest[1]) }
        return path + leading + renamed(Array(rest.dropFirst(path.count)), of: today)
    }

    /// The options before the subcommand, and what follows them; `nil` where one of them is unknown, which the parser reports.
    private func split(_ arguments: [String]) -> (leading: [String], rest: [String])? {
        var (leading, rest) = ([String](), arguments[...])
        while let argument = rest.first, argument.hasPrefix("-") {
            let option = CommandLineOption(argument)
            let other = Self.valueless.contains(option.name) ? option.name : settingOption(option.name)
            guard let name = Self.valued[option.name] ?? other else { return nil }
            rest.removeFirst()
            if Self.valueless.contains(name) {
                leading.append(argument)
            } else if option.value != nil || isFlag(name) {
                leading.append(name + (option.value.map { "=\($0)" } ?? ""))
                // `--guard off`: of a command's name and such a word, the word is never the command.
                if option.value == nil, let word = rest.first, Self.booleans[word] != nil { leading.append(rest.removeFirst()) }
            } else {
                guard let value = rest.popFirst() else { return nil }
                leading += [name, value]
            }
        }
        return (flags(leading), Array(rest))
    }

    private func renamed(_ arguments: [String], of command: String) -> [String] {
        let end = arguments.firstIndex(of: "--") ?? arguments.count
        let options = arguments[..<end].map { argument in
            let option = CommandLineOption(argument)
            let name: String? =
                option.name == "--config" && !Self.editingCommands.contains(command)
                ? "--config-file" : settingOption(option.name)
            guard let name else { return argument }
            return name + (option.value.map { "=\($0)" } ?? "")
        }
        guard command != Self.starter else {
            var words = arguments[end...].dropFirst()
            // `-- $AGENT` without a value: no word is reported, and not taken for no command.
            if end < arguments.count, words.isEmpty { words = [""] }
            return flags(options) + words.flatMap { [Self.startedWord, $0] }
        }
        return flags(options) + arguments[end...]
    }

    /// The option of a setting under its name of today, `--no-…` included; `nil` if there is no such setting.
    private func settingOption(_ option: String) -> String? {
        guard option.hasPrefix("--") else { return nil }
        let name = String(option.dropFirst(2))
        if let today = Setting.formerNames[name] ?? settings[name]?.name { return "--" + today }
        guard name.hasPrefix("no-"), let positive = settingOption("--" + name.dropFirst(3)), isFlag(positive) else { return nil }
        return "--no-" + positive.dropFirst(2)
    }

    private func isFlag(_ option: String) -> Bool {
        settings[String(option.dropFirst(option.hasPrefix("--no-") ? 5 : 2))]?.isFlag ?? false
    }

    /// `--guard off`, `--guard=off` and the like as `--no-guard`.
    private func flags(_ arguments: [String]) -> [String] {
        var (result, rest) = ([String](), arguments[...])
        while let argument = rest.popFirst() {
            let option = CommandLineOption(argument)
            guard option.name.hasPrefix("--"), !option.name.hasPrefix("--no-"), isFlag(option.name),
                let value = (option.value ?? rest.first).flatMap({ Self.booleans[$0] })
            else {
                result.append(argument)
                continue
            }
            if option.value == nil { rest.removeFirst() }
            result.append(value ? option.name : "--no-" + option.name.dropFirst(2))
        }
        return result
    }
}
