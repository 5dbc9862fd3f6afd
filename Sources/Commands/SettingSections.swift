import Configuration

/// Shows the settings in a help text by their groups, where it has settings of every group: a section for each before the other options.
enum SettingSections {
    private static let heading = "\nOPTIONS:\n"

    static func divide(_ help: String) -> String {
        guard let options = help.firstRange(of: heading) else { return help }
        let end = help[options.upperBound...].firstRange(of: "\n\n")?.lowerBound ?? help.endIndex
        var sections: [Setting.Group: [Substring]] = [:]
        var others: [Substring] = []
        var group: Setting.Group?
        for line in help[options.upperBound..<end].split(separator: "\n", omittingEmptySubsequences: false) {
            // What follows an option's first line is indented further.
            if line.hasPrefix("  -") { group = setting(in: line)?.group }
            if let group { sections[group, default: []].append(line) } else { others.append(line) }
        }
        guard sections.count == Setting.Group.allCases.count else { return help }
        let text = Setting.Group.allCases.map { group in
            "\n\(group.rawValue.uppercased()):\n\(sections[group, default: []].joined(separator: "\n"))\n"
        }
        return help[..<options.lowerBound] + text.joined() + heading + others.joined(separator: "\n") + help[end...]
    }

    /// The setting of the option that a line names: `  -c, --connect <uri>`, `  --guard/--no-guard`.
    private static func setting(in line: Substring) -> Setting? {
        guard let dashes = line.firstRange(of: "--") else { return nil }
        let name = line[dashes.upperBound...].prefix { $0 == "-" || $0.isLetter }
        return Setting.all.first { $0.name == name }
    }
}
