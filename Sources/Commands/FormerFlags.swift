import Configuration

/// Settings that a command line gives under their former name and under today's.
enum FormerFlags {
    /// - Throws: where it does so for one setting: which of the two is meant cannot be known.
    static func refuseBoth(in arguments: [String]) throws(ConfigurationError) {
        let names = Set(arguments.prefix { $0 != "--" }.compactMap(name))
        for (former, today) in Setting.formerNames.sorted(by: { $0.key < $1.key }) where names.isSuperset(of: [former, today]) {
            throw ConfigurationError(problem: "--\(former) is the former name of --\(today): give one of them")
        }
    }

    /// The setting of an option, with or without a value.
    private static func name(_ argument: String) -> String? {
        let option = CommandLineOption(argument).name
        guard option.hasPrefix("--") else { return nil }
        let name = String(option.dropFirst(2))
        return name.hasPrefix("no-") ? String(name.dropFirst(3)) : name
    }
}
