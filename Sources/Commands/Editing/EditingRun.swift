import ArgumentParser
import Configuration
import Description
import Libvirt

/// One command's change of several domains, one after the other: an error of one does not keep the others from being changed.
struct EditingRun {
    let selection: DomainSelection
    let options: ChangeOptions
    let uris: [String]
    /// What is told to many, by which a domain's profiles are checked.
    var defaults = InstanceDefaults()

    /// Applies an edit to a file, or to the chosen sides of domains.
    static func apply(
        _ edit: DefinitionEdit, to targets: DomainSelection.Targets, of sides: Sides, _ selection: DomainSelection,
        _ options: ChangeOptions, _ settings: CommandSettings
    ) async throws {
        if case .file(let file) = targets { return try XMLFilter(file: file, options: options).apply(edit) }
        let configuration = try settings.load()
        let run = EditingRun(
            selection: selection, options: options, uris: configuration.connect, defaults: configuration.defaults)
        try await run.change(targets) { editor in
            let edits = try sides.edits(edit, of: editor.domain)
            try await editor.change(definition: edits.definition, running: edits.running)
        }
    }

    /// Changes the domains, and reports.
    ///
    /// - Throws: `ExitCode` where the change of a domain failed, and `CommandFailure` where no hypervisor can be reached.
    func change(
        _ targets: DomainSelection.Targets, by change: (inout DomainEditor) async throws -> Void
    ) async throws {
        let finder = try await DomainFinder(uris, defaults)
        let arguments: [String]
        switch targets {
        case .domains(let names): arguments = names
        case .all: arguments = try await confirmedDomains(of: finder)
        case .file: return
        }
        var (reports, seen): ([ChangeReport], Set<String>) = ([], [])
        for argument in arguments {
            if let report = await report(on: argument, finder, &seen, change) { reports.append(report) }
        }
        if case .all = targets, arguments.isEmpty, options.printsText { VirtMetadata.printError("no domains; no changes") }
        try options.finish(reports)
        if case .all = targets, !finder.isComplete { throw ExitCode(1) }
    }

    /// - Parameter seen: the domains so far; another argument may name one of them again.
    /// - Returns: `nil` where the domain has been changed already.
    private func report(
        on argument: String, _ finder: DomainFinder, _ seen: inout Set<String>,
        _ change: (inout DomainEditor) async throws -> Void
    ) async -> ChangeReport? {
        var editor: DomainEditor
        do {
            editor = try await DomainEditor(argument, in: finder, options)
        } catch {
            guard seen.insert(argument).inserted else { return nil }
            var report = ChangeReport(argument, options)
            report.fail("\(error)")
            return report
        }
        guard seen.insert("\(editor.domain.uuid) \(editor.host.uri)").inserted else { return nil }
        do {
            try await change(&editor)
        } catch {
            editor.report.fail("\(error)")
        }
        return editor.report
    }

    /// All domains, if the operator confirms it.
    private func confirmedDomains(of finder: DomainFinder) async throws -> [String] {
        let all = try await finder.all()
        if !all.isEmpty, !selection.yes, !options.dryRun {
            guard Prompt.isPossible else {
                let count = counted(all.count, "domain")
                VirtMetadata.printError("virt-metadata: --all changes \(count): confirm with --yes, or see --dry-run")
                throw ExitCode(VirtMetadata.usageExitCode)
            }
            let shown = all.prefix(5).map(\.name).joined(separator: ", ") + (all.count > 5 ? ", …" : "")
            let domains = all.count == 1 ? "the only domain" : "all \(all.count) domains"
            guard Prompt.confirms("Change \(domains) at \(uris.joined(separator: ", ")) (\(shown))?") else {
                throw CommandFailure("not confirmed; no changes made")
            }
        }
        return all.map { "\($0.uuid)" }
    }
}
