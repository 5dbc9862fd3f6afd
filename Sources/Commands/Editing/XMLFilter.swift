import ArgumentParser
import Common
import Configuration
import Description
import Glibc

/// Edits domain XML without libvirt: the file, or the standard input, goes changed to the standard output.
struct XMLFilter {
    /// The largest domain XML to read, as for domains of libvirt.
    private static let longest = 4 << 20

    let file: String
    let options: ChangeOptions

    /// - Throws: `CommandFailure` where the file cannot be used; nothing is printed to the standard output then.
    func apply(_ edit: DefinitionEdit, notes: (DomainDefinition) -> [String] = { _ in [] }) throws {
        let name = file == "-" ? "standard input" : file
        guard let text = String(validating: try DomainSource.bytes(of: file, mostBytes: Self.longest), as: UTF8.self) else {
            throw CommandFailure("\(name): invalid XML: the document is not valid UTF-8; no changes made")
        }
        let (before, outcome, remarks): (DomainDefinition, DomainDefinition, [String])
        do {
            (before, outcome, remarks) = try Self.edited(text, by: edit)
        } catch {
            throw CommandFailure("\(name): \(error)")
        }
        if !options.quiet {
            for remark in remarks + notes(outcome) { VirtMetadata.printError("\(name): \(remark)") }
            if before.xml == outcome.xml { VirtMetadata.printError("\(name): no changes") }
        }
        guard options.dryRun else { return try FileDescriptorOutput.write(Array(outcome.xml.utf8), to: STDOUT_FILENO) }
        guard !options.quiet, !options.noDiff else { return }
        let difference = try DomainDifference(from: before, to: outcome, showsSecrets: options.showSecrets)
        let shown = difference.unified.text(from: name, to: "\(name) (changed)", on: Terminal(STDOUT_FILENO))
        try FileDescriptorOutput.write(Array(shown.utf8), to: STDOUT_FILENO)
    }

    private static func edited(
        _ text: String, by edit: DefinitionEdit
    ) throws -> (before: DomainDefinition, outcome: DomainDefinition, remarks: [String]) {
        do {
            let before = try DomainDefinition(file: text)
            var outcome = before
            let remarks = try edit.apply(to: &outcome)
            let notes = try UnusableValues.refuse(
                in: outcome.completeXML, unlike: before.completeXML, InstanceAssembly(defaults: .unread, readsBare: false))
            return (before, outcome, remarks + notes)
        } catch let error as ParseError {
            throw CommandFailure("invalid XML: \(error)")
        }
    }

    /// Refuses options that have no meaning for a file.
    ///
    /// - Parameter others: flags that were given, by their names.
    static func check(_ options: ChangeOptions, without others: [(name: String, isGiven: Bool)]) throws {
        let formats = [("-o \(options.output.format.rawValue)", options.output.format != .table)]
        guard let wrong = (formats + others).first(where: { $0.1 }) else { return }
        throw ValidationError("--xml prints XML, and calls no libvirt: leave out \(wrong.0)")
    }
}
