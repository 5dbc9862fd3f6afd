import ArgumentParser
import Common
import Configuration
import FoundationEssentials
import Glibc
import Host
import Inventory
import Libvirt

/// `virt-metadata edit`: opens a domain's instance element in the operator's editor.
struct Edit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Edit a domain's metadata in your editor.",
        discussion: """
            The instance element, without its namespace, is opened in $VISUAL, else $EDITOR, else vi. What comes back is checked, \
            and put into the definition; into the running domain too, where that had the same element before. An empty file \
            takes the element out.

            EXAMPLES
                virt-metadata edit web
                EDITOR=nano virt-metadata edit web --live
            """)

    private static let template = """
        <instance>
          <!-- All elements: /usr/share/doc/virt-metadata/metadata.md -->
        </instance>

        """

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @OptionGroup var sides: Sides
    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        let editor = try await DomainEditor(domain, uris: configuration.connect)
        let (running, defined) = (editor.domain.running, editor.domain.defined)
        let isOfRunning = sides.live || defined == nil
        let old = isOfRunning ? running?.element : defined?.element
        let draft = try Draft(of: editor.domain, text: old.map { $0 + "\n" } ?? Self.template)
        do {
            let edit = DefinitionEdit.replaceElement(try draft.edited())
            if isOfRunning || running == nil || sides.definition || running?.element == defined?.element {
                try await sides.change(edit, by: editor)
            } else {
                editor.note("the running domain has other metadata than its definition, and keeps it: --live edits that")
                try await editor.change(definition: edit, running: nil, onlyShows: sides.dryRun)
            }
        } catch {
            throw CommandFailure("\(error); what you wrote is in \(draft.path)")
        }
        draft.remove()
    }
}

/// A file for an editor, which no other user can read: there may be secrets in it.
private struct Draft {
    let path: String

    init(of domain: EditableDomain, text: String) throws(CommandFailure) {
        let directory = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        path = "\(directory)/virt-metadata-\(domain.uuid)-\(getpid()).xml"
        do throws(KernelError) {
            try PrivateFile(path: path).create(Array(text.utf8))
        } catch {
            throw CommandFailure("\(path): cannot be made: \(error)")
        }
    }

    /// The edited text; `nil` for an empty one.
    func edited() throws(CommandFailure) -> String? {
        let environment = ProcessInfo.processInfo.environment
        let line = ["VISUAL", "EDITOR"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "vi"
        let status: Int32
        do throws(KernelError) {
            status = try Shell.run(line, argument: path)
        } catch {
            throw CommandFailure("'\(line)' cannot be run: \(error)")
        }
        guard status == 0 else { throw CommandFailure("'\(line)' ended with \(status); nothing was changed") }
        let text = String(decoding: try DomainSource.bytes(of: path), as: UTF8.self)
        guard !text.allSatisfy(\.isWhitespace) else { return nil }
        do throws(DefinitionFailure) {
            return try InstanceElement.text(of: text)
        } catch {
            throw CommandFailure("\(error); nothing was changed")
        }
    }

    func remove() {
        // A file left over in a directory of temporary files is only untidy.
        try? FileManager.default.removeItem(atPath: path)
    }
}
