import ArgumentParser
import Common
import Configuration
import Description
import Libvirt
import XML

/// `virt-metadata edit`: opens a domain's instance element in the operator's editor.
struct Edit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Edit a domain's metadata in an editor.",
        discussion: """
            `edit` opens the <instance> element of the definition, without its namespace, in $VISUAL, else $EDITOR, else vi. It \
            checks the result and writes it into the definition. If the running domain had the same element before, `edit` changes \
            the running domain too; otherwise the running domain is not changed, and `edit` says so. With --live, `edit` opens and \
            changes the element of the running domain. It writes nothing if the text is unchanged. An empty file removes the \
            element, if you confirm it.

            If the result is invalid, `edit` asks whether to open it again. It keeps an invalid result as a draft in \
            $XDG_STATE_HOME/virt-metadata (~/.local/state/virt-metadata), and the next `edit` of that domain offers the draft. \
            Without a terminal, `edit` cannot ask: it renames an earlier draft to DRAFT~, and removes DRAFT~ when an edit succeeds.

            EXAMPLES
                virt-metadata edit web
                EDITOR=nano virt-metadata edit web --live
            """)

    private static let template = """
        <instance>
          <!-- All elements: \(DocumentationPage.path("metadata.md")) -->
        </instance>

        """

    @Argument(help: "Domain, by name, UUID or ID.", completion: .domains)
    var domain: String

    /// Arguments that are refused with a hint.
    @Argument(help: .hidden)
    var more: [String] = []

    @Flag(name: [.customShort("y"), .long], help: "Do not ask for confirmation.")
    var yes = false

    /// Flags of the other commands that are refused with a hint.
    @Flag(help: .hidden)
    var xml = false

    @Flag(help: .hidden)
    var all = false

    @OptionGroup var sides: Sides
    @OptionGroup var options: ChangeOptions
    @OptionGroup var settings: CommandSettings

    func validate() throws {
        try ConfigurationFileHint.refuse([domain] + more, besideConfig: sides.config)
        if xml || all {
            throw ValidationError(
                "unknown option --\(xml ? "xml" : "all"): edit changes one domain of libvirt; `virt-metadata set` has --all and "
                    + "--xml")
        }
        if let other = more.first { throw ValidationError("unexpected argument '\(other)': edit one domain at a time") }
    }

    func run() async throws {
        let configuration = try settings.load()
        let finder = try await DomainFinder(configuration.connect, configuration.defaults)
        var editor = try await DomainEditor(domain, in: finder, options)
        do {
            try await edit(&editor)
        } catch {
            editor.report.fail("\(error)")
        }
        try options.finish([editor.report])
    }

    private func edit(_ editor: inout DomainEditor) async throws {
        let choice = try sides.choice(for: editor.domain)
        let (running, defined) = (editor.domain.running, editor.domain.defined)
        let old = choice == .running || defined == nil ? running?.element : defined?.element
        let text = old.map { ($0.contains("\n") ? $0 : XMLLayout.laidOut($0, indentation: "")) + "\n" } ?? Self.template
        var draft = try Draft(of: editor.domain)
        try draft.begin(with: text, report: editor.report)
        while true {
            let edited = try draft.edited()
            if edited == text {
                draft.remove()
                return editor.report.status("no changes")
            }
            do {
                guard let element = try element(of: edited, in: editor, hasElement: old != nil) else {
                    draft.remove()
                    return editor.report.status("no changes")
                }
                let edits = edits(to: element, choice, editor.domain)
                try editor.check(definition: edits.definition, running: edits.running)
                if choice == .both, edits.running == nil, running != nil {
                    editor.report.note(
                        "the running domain has different metadata, which was not changed: use --live to edit it")
                }
                do {
                    try await editor.change(definition: edits.definition, running: edits.running)
                } catch {
                    throw CommandFailure("\(error); \(draft.isKept)")
                }
                return draft.finish()
            } catch let problem as DraftProblem {
                guard Prompt.isPossible else { throw CommandFailure("\(problem.description); \(draft.isKept)") }
                VirtMetadata.printError("virt-metadata: \(editor.domain.name): \(problem.description)")
                guard Prompt.letter("[e]dit again or [q]uit?") == "e" else {
                    throw CommandFailure("no changes made; \(draft.isKept)")
                }
            }
        }
    }

    /// The element in a draft, `.some(nil)` to remove it; `nil` where there is nothing to change.
    private func element(of text: String, in editor: DomainEditor, hasElement: Bool) throws -> String?? {
        var element: String?
        if !text.allSatisfy(\.isWhitespace) {
            do throws(DefinitionFailure) {
                element = try InstanceElement.text(of: text)
            } catch {
                throw DraftProblem("\(error)")
            }
        }
        guard element == nil || InstanceElement(element).isEmpty else { return element }
        guard hasElement else { return nil }
        if yes || options.dryRun { return .some(nil) }
        guard Prompt.isPossible else {
            throw DraftProblem("the draft has no elements: removing all metadata needs --yes")
        }
        return Prompt.confirms("Remove all metadata of \(editor.domain.name)?") ? .some(nil) : nil
    }

    private func edits(
        to element: String?, _ choice: Sides.Choice, _ domain: EditableDomain
    ) -> (definition: DefinitionEdit?, running: DefinitionEdit?) {
        let edit = DefinitionEdit.replaceElement(element)
        switch choice {
        case .running: return (nil, edit)
        case .definition: return (edit, nil)
        case .both:
            let (running, defined) = (Self.canonical(domain.running?.element), Self.canonical(domain.defined?.element))
            let isAlike = domain.defined == nil || running == defined
            return (edit, isAlike ? edit : nil)
        }
    }

    /// An element without what makes no difference: white space between elements, and a prefix.
    private static func canonical(_ element: String?) -> String? {
        element.map { XMLLayout.laidOut(XMLPrefix.removed(from: $0), indentation: "") }
    }
}

/// Why a draft cannot be used: the operator may edit it again.
struct DraftProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
