import ArgumentParser
import Common
import Configuration
import Description
import Libvirt

/// `virt-metadata disable`: removes from a domain what `enable` added.
struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove from domains what `enable` wrote.",
        discussion: """
            `disable` also restores the values and SMBIOS entries that `enable` replaced. It keeps values and entries that `enable` \
            did not write, or that were changed later, lists them, and prints the command that removes them. A domain that has such \
            values or entries is still enabled. A domain that was never enabled is not changed.

            EXAMPLES
                virt-metadata disable web --dry-run
                virt-metadata disable web1 web2
                virt-metadata disable --all --yes
                virt-metadata disable --xml < web.xml > disabled.xml
            """)

    @Argument(
        help: ArgumentHelp("Domains, by name, UUID or ID; with --xml a file, or - for the standard input.", valueName: "domain"),
        completion: .domainsOrXML)
    var domains: [String] = []

    @OptionGroup var bothSides: BothSides
    @OptionGroup var restart: RestartOptions
    @OptionGroup var selection: DomainSelection
    @OptionGroup var options: ChangeOptions
    @OptionGroup var settings: CommandSettings

    func validate() throws {
        try ConfigurationFileHint.refuse(domains, besideConfig: bothSides.config)
        if case .file = try selection.targets(domains) {
            try XMLFilter.check(options, without: [("--restart", restart.restart), ("--config", bothSides.config)])
        }
    }

    func run() async throws {
        let targets = try selection.targets(domains)
        if case .file(let file) = targets {
            return try XMLFilter(file: file, options: options).apply(.disable) { outcome in
                let editor = "an editor"
                return StillEnabled(outcome).sentences(
                    isDryRun: options.dryRun, unset: "virt-metadata unset --xml", edit: editor, editXML: editor)
            }
        }
        let uris = try settings.load().connect
        try await EditingRun(selection: selection, options: options, uris: uris).change(targets) { editor in
            try await disable(&editor)
        }
    }

    private func disable(_ editor: inout DomainEditor) async throws {
        let domain = editor.domain
        guard let defined = domain.defined else {
            guard domain.running?.element != nil else { return editor.report.status("no changes") }
            throw CommandFailure(
                "transient domain: it has no definition, so there is no record of what `enable` wrote; remove values with "
                    + "`virt-metadata unset`")
        }
        var running: DefinitionEdit?
        let rest: StillEnabled
        do {
            var definition = try DomainDefinition(defined.xml, element: defined.element)
            var element: String?
            if let live = domain.running, !bothSides.config {
                element = try definition.removingEnabledValues(from: live.element)
                running = .replaceElement(element)
            }
            try definition.disable()
            rest = StillEnabled(definition, running: element)
        } catch {
            throw CommandFailure("unusable domain XML: \(error)")
        }
        try await editor.change(definition: .disable, running: running)
        note(rest, of: &editor)
        try await editor.finish(restart, isDryRun: options.dryRun, command: "disable")
    }

    private func note(_ rest: StillEnabled, of editor: inout DomainEditor) {
        let (uri, domain) = (editor.host.uri.shellWord, editor.domain.commandWord)
        let sentences = rest.sentences(
            isDryRun: options.dryRun, unset: "virt-metadata -c \(uri) unset \(domain)",
            edit: "virt-metadata -c \(uri) edit \(domain)", editXML: "virsh -c \(uri) edit \(domain)")
        for sentence in sentences { editor.report.note(sentence) }
    }
}
