import Common

/// The first line of user data, by which agents choose how to read it.
enum UserDataHeader: Equatable {
    case cloudConfig
    case cloudConfigArchive
    case cloudConfigPatch
    case boothook
    case partHandler
    case include
    case script
    case jinja
    /// PowerShell or a batch file of Windows, for cloudbase-init or EC2Launch.
    case windows

    /// cloud-init's headers, the longest first, as it compares them: without regard to case, white space or what follows them.
    private static let all: [(word: String, header: UserDataHeader)] = [
        ("#cloud-config-archive", .cloudConfigArchive), ("#cloud-config-jsonp", .cloudConfigPatch),
        ("## template: jinja", .jinja), ("#cloud-boothook", .boothook), ("#cloud-config", .cloudConfig),
        ("#part-handler", .partHandler), ("#include-once", .include), ("#include", .include), ("#!", .script),
    ]
    /// Those of cloudbase-init and EC2Launch.
    private static let windowsWords = [
        "#ps1", "rem cmd", "<powershell>", "<script>", "<persist>", "<powershellarguments>", "<runaslocalsystem>",
    ]

    /// Reads a line; `nil` where it is no header.
    init?(of line: String) {
        let line = line.trimmingWhitespace().lowercased()
        if let found = Self.all.first(where: { line.hasPrefix($0.word) }) {
            self = found.header
        } else if Self.windowsWords.contains(where: line.hasPrefix) {
            self = .windows
        } else {
            return nil
        }
    }

    /// The header as it is to be written.
    var word: String { Self.all.last { $0.header == self }?.word ?? "#ps1" }

    // MARK: Where there is none

    /// The most lines in which a misplaced header is looked for.
    private static let searchedLines = 100
    /// The words that a misspelt first line may mean.
    private static let words = all.map(\.word).filter { $0 != "#!" } + ["#!/bin/sh", "#!/bin/bash", "#ps1_sysnative"]

    /// The remark on a text without a header that is none of the other formats.
    static func missing(in lines: TextLines, _ first: TextLines.Line) -> UserDataLint.Remark {
        let line = first.text.trimmingWhitespace()
        let number = first.index + 1
        let consequence = "agents ignore the whole text"
        if line.lowercased().hasPrefix("#upstart-job") {
            return .init(line: number, "'#upstart-job' is a format that agents no longer have: \(consequence)")
        }
        if let meant = meaning(of: line) {
            return .init(line: number, "misspelt header '\(shown(line))': expected '\(meant)'; \(consequence)")
        }
        for index in lines.all.indices.dropFirst(first.index + 1).prefix(searchedLines) {
            guard let header = UserDataHeader(of: String(lines.all[index])), lines.all[index].first?.isWhitespace == false else {
                continue
            }
            let word = header == .script ? "#!" : header.word
            return .init(
                line: index + 1, "the header '\(word)' must be the first line, and something precedes it: \(consequence)")
        }
        if isFileName(line), lines.all.dropFirst(first.index + 1).allSatisfy(\.isEmpty) {
            return .init(
                line: number, "'\(shown(line))' is served as written: to read a file use `virt-metadata set --file userdata=FILE`"
            )
        }
        let content = lines.all.dropFirst(first.index).prefix(searchedLines).lazy.map { $0.trimmingWhitespace() }
            .first { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix("---") }
        if let key = content.flatMap(CloudConfigKeys.key(beginning:)) {
            return .init(
                line: number,
                "looks like cloud-config (\(key):), but its header is missing: the first line must be '#cloud-config'")
        }
        return .init(
            line: number,
            "begins with no header, such as '#cloud-config' or '#!': cloud-init ignores the text and logs a warning")
    }

    /// Whether a line may name the file with the user data.
    private static func isFileName(_ line: String) -> Bool {
        guard !line.contains(where: \.isWhitespace) else { return false }
        let endings = [".yaml", ".yml", ".sh", ".txt", ".cfg", ".ign", ".json", ".b64", ".gz"]
        return ["@", "file://", "/", "./", "~/"].contains(where: line.hasPrefix) || endings.contains(where: line.hasSuffix)
    }

    /// The header that a misspelt line means; `nil` where it is something else.
    private static func meaning(of line: String) -> String? {
        let word = line.lowercased()
        // Only a short line can be a header; that of an interpreter has its path.
        guard word.utf8.count <= 60 else { return nil }
        let squeezed = word.filter { !$0.isWhitespace && $0 != "#" }.replacing("_", with: "-")
        for (known, _) in all where known.hasPrefix("#c") || known.hasPrefix("#p") || known == "## template: jinja" {
            let plain = known.filter { !$0.isWhitespace && $0 != "#" }
            if squeezed == plain || squeezed == plain + ":" || squeezed == plain.replacing("-", with: "") { return known }
            if word.hasPrefix("#"), squeezed.hasPrefix(plain + "-") || squeezed.hasPrefix(plain + ":") { return known }
        }
        if squeezed == "include" || squeezed == "include-once" {
            return word.hasPrefix("#") ? "#" + squeezed : nil
        }
        if ["!#/", "#/bin/", "#/usr/bin/", "# !/", "/bin/", "/usr/bin/env", "!/bin/", "! /bin/"].contains(where: word.hasPrefix),
            !line.hasPrefix("#!")
        {
            let path = line.drop { !"/".contains($0) }
            return path.isEmpty ? nil : "#!\(shown(String(path)))"
        }
        guard word.hasPrefix("#") || word.hasPrefix("cloud") else { return nil }
        return nearestWord(to: word, among: words)
    }
}
