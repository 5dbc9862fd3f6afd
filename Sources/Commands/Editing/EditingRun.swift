import ArgumentParser
import Configuration
import Inventory
import Libvirt

/// One command's change of several domains, one after the other: an error of one does not keep the others from being changed.
struct EditingRun {
    let selection: DomainSelection
    let options: ChangeOptions
    let uris: [String]

    /// Changes the domains, and reports.
    ///
    /// - Throws: `ExitCode` where the change of a domain failed, and `CommandFailure` where no hypervisor can be reached.
    func change(
        _ targets: DomainSelection.Targets, by change: (inout DomainEditor) async throws -> Void
    ) async throws {
        let finder = try await DomainFinder(uris)
        let arguments: [String]
        switch targets {
        case .domains(let names): arguments = names
        case .all: arguments = try await confirmedDomains(of: finder)
        case .file: return
        }
        var reports: [ChangeReport] = []
        for argument in arguments { reports.append(await report(on: argument, finder, change)) }
        if case .all = targets, arguments.isEmpty, options.printsText { VirtMetadata.printError("no domains; no changes") }
        try options.finish(reports)
        if case .all = targets, !finder.isComplete { throw ExitCode(1) }
    }

    private func report(
        on argument: String, _ finder: DomainFinder, _ change: (inout DomainEditor) async throws -> Void
    ) async -> ChangeReport {
        var editor: DomainEditor
        do {
            editor = try await DomainEditor(argument, in: finder, options)
        } catch {
            var report = ChangeReport(argument, options)
            report.fail("\(error)")
            return report
        }
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
                VirtMetadata.printError("virt-metadata: --all changes \(all.count) domains: confirm with --yes, or see --dry-run")
                throw ExitCode(VirtMetadata.usageExitCode)
            }
            let shown = all.prefix(5).map(\.name).joined(separator: ", ") + (all.count > 5 ? ", …" : "")
            guard Prompt.confirms("Change all \(all.count) domains at \(uris.joined(separator: ", ")) (\(shown))?") else {
                throw CommandFailure("not confirmed; no changes made")
            }
        }
        return all.map { "\($0.uuid)" }
    }
}
