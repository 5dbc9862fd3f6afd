import ArgumentParser
import Common
import FoundationEssentials
import Inventory

/// `virt-metadata check`: what in a domain's XML cannot be used.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Name every value in a domain's XML that cannot be used.",
        discussion: """
            Each finding is printed with its line. The exit status is 1 if any value cannot be used, and 0 if all can; notes are \
            printed, but change nothing.

            EXAMPLES
              A file, and a domain of the hypervisor:
                virt-metadata check web.xml
                virt-metadata check web
            """)

    @Argument(help: ArgumentHelp("Files of domain XML, or names of domains.", valueName: "file-or-domain"))
    var subjects: [String]

    @OptionGroup var settings: SettingsOptions

    func run() async throws {
        let configuration = try settings.load()
        let source = DomainSource(uri: configuration.connect, edited: configuration.edited)
        var allUsable = true
        for subject in subjects {
            let usable = try await check(subject, source)
            allUsable = allUsable && usable
        }
        if !allUsable { throw ExitCode(1) }
    }

    private func check(_ subject: String, _ source: DomainSource) async throws -> Bool {
        do {
            let assembled: InstanceAssembly.Assembled
            if FileManager.default.fileExists(atPath: subject) {
                assembled = try InstanceAssembly().assemble(DomainSource.bytes(of: subject))
            } else {
                let found = try await source.domain(subject)
                assembled = try found.assembly.assemble(found.xml, edited: found.edited)
            }
            for finding in assembled.findings { print("\(subject): \(finding)") }
            let count = assembled.findings.filter { $0.weight == .unusable }.count
            if count == 0 { print("\(subject): every value can be used") }
            return count == 0
        } catch let error as DescriptionError {
            print("\(subject): \(error)")
            return false
        }
    }
}
