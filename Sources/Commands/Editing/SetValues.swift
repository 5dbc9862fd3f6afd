import ArgumentParser
import Common
import Configuration
import Description

/// `virt-metadata set`: writes values into a domain's instance element.
struct SetValues: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set values of domains' metadata.",
        discussion: """
            A path names an element of the metadata: \(DocumentationPage.path("metadata.md")) lists them. Brackets hold the name \
            of a tag or key, the path of a file, or the MAC address of an interface; '@' precedes an attribute. `+=` adds one more \
            value where several are allowed. Arguments before the first value are domains. Values are checked before libvirt gets \
            them. `set` also enables a domain that was not enabled: while it runs, its bridges are served.

            EXAMPLES
                virt-metadata set web hostname=web.example placement/region=eu
                virt-metadata set web1 web2 'tags/tag[env]=test' \\
                  security-groups/group+=ssh imds@tokens=required
                virt-metadata set web --file userdata=web.yaml \\
                  --file 'files/file[/etc/motd]=motd'
                virt-metadata set --xml hostname=web < web.xml > changed.xml
            """)

    @Argument(
        help: ArgumentHelp(
            "Domains, by name, UUID or ID (with --xml a file, or - for the standard input), then values as PATH=VALUE or PATH+=VALUE.",
            valueName: "domain-or-value"),
        completion: .domainsOrXML)
    var arguments: [String] = []

    @Option(
        help: ArgumentHelp("Domain; then all arguments are values. Repeatable.", valueName: "domain"),
        completion: .domains)
    var domain: [String] = []

    @Option(help: ArgumentHelp("Value from a file, or - for the standard input. Repeatable.", valueName: "path=file"))
    var file: [ValueArgument] = []

    @OptionGroup var sides: Sides
    @OptionGroup var selection: DomainSelection
    @OptionGroup var options: ChangeOptions
    @OptionGroup var settings: CommandSettings

    /// The domains, and the values of the arguments.
    private func parsed() throws -> (targets: DomainSelection.Targets, values: [ValueArgument]) {
        try ConfigurationFileHint.refuse(arguments, besideConfig: sides.config)
        let (targets, values) = try selection.split(
            arguments, named: domain, canBeDomain: { !Self.isValue($0) }, isValue: Self.endsDomains)
        return (
            targets,
            try values.enumerated().map { index, text in
                guard let value = ValueArgument(argument: text) else {
                    let advice = Self.advice(on: text, before: values.dropFirst(index + 1).first)
                    throw ValidationError("invalid value '\(text)': \(Self.problem(of: text))\(advice)")
                }
                return value
            }
        )
    }

    /// Whether an argument is a value and no domain, whose name may contain '=' too.
    private static func isValue(_ argument: String) -> Bool {
        guard let value = ValueArgument(argument: argument) else { return false }
        return ElementPath.isLikely(value.path) || value.path.contains("/")
    }

    /// Whether an argument is meant as a value, be it a wrong one.
    private static func endsDomains(_ argument: String) -> Bool {
        ValueArgument(argument: argument) != nil || ElementPath.isLikely(argument)
    }

    /// Why an argument is no value.
    private static func problem(of text: String) -> String {
        guard let bracket = text.lastIndex(of: "["), !text[bracket...].contains("]") else {
            return "expected PATH=VALUE, after all domains"
        }
        return "missing ']' after '\(text[...bracket])'"
    }

    /// What is meant by a path and a value as two words.
    private static func advice(on text: String, before next: String?) -> String {
        guard let next, ValueArgument(argument: next) == nil, !ElementPath.isLikely(next), (try? ElementPath(text)) != nil else {
            return ""
        }
        return "; did you mean \("\(text)=\(next)".shellWord)?"
    }

    func validate() throws {
        let (targets, values) = try parsed()
        guard !values.isEmpty || !file.isEmpty else {
            throw ValidationError("missing value: expected PATH=VALUE or --file PATH=FILE")
        }
        var files = file.map(\.value)
        if case .file(let file) = targets {
            files.append(file)
            try XMLFilter.check(options, without: sides.given)
        }
        try StandardInput.check(files)
        try ValueArgument.refuseContradictions(in: values, files: file)
    }

    func run() async throws {
        let (targets, values) = try parsed()
        var assignments: [InstanceElement.Assignment] = []
        let domain = ValueArgument.word(for: targets)
        for value in values { assignments.append(try value.assignment(of: domain)) }
        for value in file { assignments.append(try value.assignmentOfFile(of: domain)) }
        let edit = DefinitionEdit.set(assignments)
        try await EditingRun.apply(edit, to: targets, of: sides, selection, options, settings)
    }
}
