import ArgumentParser
import Common
import Configuration
import FoundationEssentials
import Glibc
import Inventory

/// `virt-metadata check`: reports every unusable value in a domain's XML.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Name every value in a domain's XML that cannot be used.",
        discussion: """
            Each finding is printed with its line. The exit status is 1 if any value cannot be used, and 0 if all can; notes are \
            printed, but change nothing.

            Each argument is a file, if there is one of that name, else a domain of the hypervisor.

            EXAMPLES
              A file, and a domain of the hypervisor:
                virt-metadata check web.xml
                virt-metadata check web
            """)

    @Argument(help: ArgumentHelp("Files of domain XML, or names of domains.", valueName: "file-or-domain"))
    var subjects: [String]

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        let source = DomainSource(configuration)
        var allUsable = true
        for subject in subjects {
            let usable = try await check(subject, source)
            allUsable = allUsable && usable
        }
        if !allUsable { throw ExitCode(1) }
    }

    /// Whether all values of a subject can be used; an unreadable subject does not keep the others from being checked.
    private func check(_ subject: String, _ source: DomainSource) async throws -> Bool {
        let findings: [Finding]
        do {
            findings = try await assembled(subject, source).findings
        } catch let error as DescriptionError {
            try write("\(subject): \(error)")
            return false
        } catch let error as CommandFailure {
            VirtMetadata.printError("virt-metadata: \(error)")
            return false
        }
        for finding in findings { try write("\(subject): \(finding)") }
        let isUsable = !findings.contains { $0.weight == .unusable }
        if isUsable { try write("\(subject): every value can be used") }
        return isUsable
    }

    private func assembled(_ subject: String, _ source: DomainSource) async throws -> InstanceAssembly.Assembled {
        if FileManager.default.fileExists(atPath: subject) {
            return try InstanceAssembly(defaults: source.defaults).assemble(DomainSource.bytes(of: subject))
        }
        do {
            let found = try await source.domain(subject)
            return try found.assembly.assemble(found.xml, edited: found.edited)
        } catch let error as CommandFailure {
            throw CommandFailure("there is no file '\(subject)', so a domain was looked for: \(error)")
        }
    }

    private func write(_ line: String) throws(CommandFailure) {
        try FileDescriptorOutput.write(Array("\(line.cleaned())\n".utf8), to: STDOUT_FILENO)
    }
}
