import ArgumentParser
import Common
import Configuration

/// Commands that do not exist: the parser would report the options that follow, or print the general help.
enum UnknownCommand {
    /// - Parameter arguments: the normalised arguments, in which the command is the first one.
    /// - Throws: where there is no such command, or no such topic of `help`.
    static func refuse(in arguments: [String]) throws(ConfigurationError) {
        guard let first = arguments.first, !first.hasPrefix("-") else { return }
        let commands = names(of: VirtMetadata.self)
        if first == "help" {
            guard let topic = arguments.dropFirst().first(where: { !$0.hasPrefix("-") }),
                ArgumentNormalization.formerCommands[topic] == nil
            else { return }
            return try refuse(topic, unlike: commands, location: "help")
        }
        try refuse(first, unlike: commands)
        if first == ArgumentNormalization.group, arguments.count > 1, !arguments[1].hasPrefix("-") {
            try refuse(arguments[1], unlike: names(of: ConfigCommand.self), of: first)
        }
    }

    private static func refuse(
        _ word: String, unlike names: [String], of group: String? = nil, location: String? = nil
    ) throws(ConfigurationError) {
        guard !names.contains(word) else { return }
        let (prefix, topic) = (group.map { "\($0) " } ?? "", group.map { " \($0)" } ?? "")
        let nearest = nearestWord(to: word, among: names) ?? names.first { word.hasPrefix("\($0)-") }
        let hint = nearest.map { "; did you mean '\(prefix)\($0)'?" } ?? "; `virt-metadata help\(topic)` lists all"
        throw ConfigurationError(location: location, problem: "unknown command '\(prefix)\(word)'" + hint)
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        command.configuration.subcommands.map { $0._commandName }
    }
}
