import ArgumentParser
import Configuration
import Inventory
import Libvirt

/// The sides of a domain to change; virsh's `--config` is `--definition` here, because `--config` names a file.
struct Sides: ParsableArguments {
    @Flag(help: "Change only the running domain; its next start has what it had.")
    var live = false

    @Flag(help: "Change only the definition; the running domain keeps what it has until it is started again.")
    var definition = false

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    /// Changes the chosen sides: both, unless one was given.
    func change(_ edit: DefinitionEdit, by editor: DomainEditor) async throws {
        if live, editor.domain.running == nil {
            throw CommandFailure("\(editor.domain.name) does not run, so there is no running domain to change: leave out --live")
        }
        if definition, editor.domain.defined == nil {
            throw CommandFailure("\(editor.domain.name) is transient and has no definition to change: leave out --definition")
        }
        try await editor.change(
            definition: live && !definition ? nil : edit, running: definition && !live ? nil : edit, onlyShows: dryRun)
    }
}
