import ArgumentParser
import Common
import Configuration
import Inventory
import Libvirt

/// `virt-metadata enable`: sets the SMBIOS identity of a domain so that its cloud image requests metadata here, and sets its
/// first values.
struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enable metadata for domains, and set their first values.",
        discussion: """
            A cloud image requests metadata only if its SMBIOS tables advertise a cloud. This writes such SMBIOS entries, and the \
            values given here, into the domain's definition, through libvirt. The diff is printed first. A running guest is served \
            the values at once, but sees the SMBIOS entries only after a stop and start of its domain; use --restart. \
            `virt-metadata disable` removes what was written.

            --identity is openstack (the default; understood by every cloud-init), ec2 (the domain's UUID must begin with 'ec2'), \
            nocloud (cloud-init from 23.3), or nocloud-net (cloud-init before 23.3, such as Debian 12's 22.4.2). Without it, an \
            identity that the domain has is kept. One that `enable` wrote is replaced; one written by hand is refused unless \
            --force is given, and `disable` restores it.

            EXAMPLES
                virt-metadata enable web --ssh-key ~/.ssh/id_ed25519.pub --dry-run
                virt-metadata enable web1 web2 --ssh-key ~/.ssh/id_ed25519.pub \\
                  --restart
                virt-metadata enable web --user-data web.yaml \\
                  --set placement/region=eu --set 'tags/tag[env]=test'
                virt-metadata enable --xml --hostname web < web.xml > enabled.xml
            """)

    @Argument(
        help: ArgumentHelp("Domains, by name, UUID or ID; with --xml a file, or -.", valueName: "domain"),
        completion: .domainsOrXML)
    var domains: [String] = []

    @Option(
        help: ArgumentHelp("SMBIOS identity: openstack, ec2, nocloud or nocloud-net.", valueName: "name"),
        completion: .list(SMBIOSIdentity.allCases.map(\.rawValue)), transform: identity)
    var identity: SMBIOSIdentity?

    @Option(help: ArgumentHelp("File of OpenSSH public keys, or -. Repeatable.", valueName: "file"), completion: .file())
    var sshKey: [String] = []

    @Option(help: ArgumentHelp("File with the guest's user data, or -.", valueName: "file"), completion: .file())
    var userData: String?

    @Option(help: ArgumentHelp("The guest's hostname.", valueName: "name"))
    var hostname: String?

    @Option(
        help: ArgumentHelp(
            "Any other value; /usr/share/doc/virt-metadata/docs/metadata.md lists the paths. Repeatable.", valueName: "path=value"
        ))
    var set: [ValueArgument] = []

    @Option(help: ArgumentHelp("Any other value, from a file or from -. Repeatable.", valueName: "path=file"))
    var file: [ValueArgument] = []

    @Flag(help: "Replace SMBIOS entries written by hand that contradict the identity.")
    var force = false

    @OptionGroup var bothSides: BothSides
    @OptionGroup var restart: RestartOptions
    @OptionGroup var selection: DomainSelection
    @OptionGroup var options: ChangeOptions
    @OptionGroup var settings: CommandSettings

    func validate() throws {
        try ConfigurationFileHint.refuse(domains, besideConfig: bothSides.config)
        let targets = try selection.targets(domains)
        var files = sshKey + [userData].compactMap(\.self) + file.map(\.value)
        if case .file(let file) = targets {
            files.append(file)
            try XMLFilter.check(options, without: [("--restart", restart.restart), ("--config", bothSides.config)])
        }
        try StandardInput.check(files)
        try ValueArgument.refuseContradictions(
            in: set + [hostname].compactMap(\.self).map { ValueArgument("hostname", $0) },
            files: file + [userData].compactMap(\.self).map { ValueArgument("userdata", $0) })
    }

    func run() async throws {
        let targets = try selection.targets(domains)
        let configuration: Configuration? = if case .file = targets { nil } else { try settings.load() }
        let assignments = try assignments()
        let edit = DefinitionEdit.enable(identity, assignments, replaces: force)
        if case .file(let file) = targets {
            return try XMLFilter(file: file, options: options).apply(edit) { outcome in
                SeedDisk.find(in: Array(outcome.xml.utf8)).map { "warning: \($0.problem): remove it" }
            }
        }
        let run = EditingRun(
            selection: selection, options: options, uris: configuration?.connect ?? [],
            defaults: configuration?.defaults ?? InstanceDefaults())
        try await run.change(targets) { editor in try await enable(&editor, edit, assignments) }
    }

    private func enable(
        _ editor: inout DomainEditor, _ edit: DefinitionEdit, _ assignments: [InstanceElement.Assignment]
    ) async throws {
        let domain = editor.domain
        if let defined = domain.defined {
            for note in Self.seedNotes(defined.xml, domain: domain.commandWord) { editor.report.note(note) }
        } else if bothSides.config {
            throw CommandFailure("transient: --config needs a persistent definition, which this domain does not have")
        } else {
            editor.report.note("transient: only the values are set, in the running domain; its SMBIOS tables stay as they are")
        }
        try await editor.change(definition: edit, running: bothSides.config ? nil : .set(assignments))
        try await editor.finish(restart, isDryRun: options.dryRun, command: "enable")
    }

    private static func seedNotes(_ xml: String, domain: String) -> [String] {
        SeedDisk.find(in: Array(xml.utf8)).map { "warning: \($0.problem): \($0.remedy(for: domain))" }
    }

    private static func identity(_ name: String) throws -> SMBIOSIdentity {
        guard let identity = SMBIOSIdentity(rawValue: name) else {
            let names = SMBIOSIdentity.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("expected one of \(names)")
        }
        return identity
    }

    private func assignments() throws -> [InstanceElement.Assignment] {
        var all: [InstanceElement.Assignment] = []
        if let hostname { all.append(try ValueArgument.assignment("hostname", hostname)) }
        var files: [PublicKeyFile] = []
        for path in sshKey { files.append(try PublicKeyFile(path: path)) }
        all += try PublicKeyFile.assignments(files)
        if let userData { all.append(try ValueArgument.file(userData, to: ValueArgument.path("userdata"))) }
        for value in set { all.append(try value.assignment()) }
        for value in file { all.append(try value.assignmentOfFile()) }
        return all
    }
}
