import ArgumentParser
import Common
import Configuration
import Inventory
import Libvirt

/// `virt-metadata disable`: removes from a domain what `enable` added.
struct Disable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take out of a domain what `enable` put in.",
        discussion: """
            What somebody has changed since stays, and is named. What stood there before `enable` comes back.

            EXAMPLES
                virt-metadata disable web
                virt-metadata disable web --dry-run
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        let editor = try await DomainEditor(domain, uris: configuration.connect)
        guard let defined = editor.domain.defined else {
            throw CommandFailure(
                "\(editor.domain.name) is transient: `enable` writes down what it does in a definition, and there is none; take "
                    + "values out by `virt-metadata unset`")
        }
        var running: DefinitionEdit?
        if let live = editor.domain.running {
            do {
                let definition = try DomainDefinition(defined.xml, element: defined.element)
                running = .replaceElement(try definition.removingEnabledValues(from: live.element))
            } catch {
                throw CommandFailure("the XML of \(editor.domain.name) cannot be used: \(error)")
            }
        }
        try await editor.change(definition: .disable, running: running, onlyShows: dryRun)
    }
}
