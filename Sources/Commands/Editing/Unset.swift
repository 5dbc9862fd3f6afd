import ArgumentParser
import Configuration
import Description

/// `virt-metadata unset`: removes values from a domain's instance element.
struct Unset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove values from domains' metadata.",
        discussion: """
            Paths are those of `virt-metadata set`; arguments before the first path are domains. Elements that become empty are removed \
            too. Unsetting a value that is not set succeeds.

            EXAMPLES
                virt-metadata unset web placement/region 'tags/tag[env]'
                virt-metadata unset --all --yes 'tags/tag[env]'
                virt-metadata unset --xml hostname < web.xml > changed.xml
            """)

    @Argument(
        help: ArgumentHelp(
            "Domains, by name, UUID or ID (with --xml a file, or - for the standard input), then paths.",
            valueName: "domain-or-path"),
        completion: .domainsOrXML)
    var arguments: [String] = []

    @Option(help: ArgumentHelp("Domain; then all arguments are paths. Repeatable.", valueName: "domain"), completion: .domains)
    var domain: [String] = []

    @OptionGroup var sides: Sides
    @OptionGroup var selection: DomainSelection
    @OptionGroup var options: ChangeOptions
    @OptionGroup var settings: CommandSettings

    private func parsed() throws -> (targets: DomainSelection.Targets, values: [String]) {
        try ConfigurationFileHint.refuse(arguments, besideConfig: sides.config)
        return try selection.split(
            arguments, named: domain, canBeDomain: { !$0.contains("/") }, isValue: ElementPath.isLikely)
    }

    func validate() throws {
        let (targets, paths) = try parsed()
        guard !paths.isEmpty else {
            // The words before the first path are taken for domains, so a misspelt path is one of them, after the domain.
            if case .domains(let words) = targets, let problem = words.dropFirst().lazy.compactMap(ElementPath.misspelling).first
            {
                throw ValidationError(problem)
            }
            throw ValidationError("missing path: expected a domain, then paths such as placement/region")
        }
        if case .file = targets { try XMLFilter.check(options, without: sides.given) }
    }

    func run() async throws {
        let (targets, texts) = try parsed()
        var paths: [ElementPath] = []
        for text in texts { paths.append(try ValueArgument.path(text)) }
        let edit = DefinitionEdit.unset(paths)
        try await EditingRun.apply(edit, to: targets, of: sides, selection, options, settings)
    }
}
