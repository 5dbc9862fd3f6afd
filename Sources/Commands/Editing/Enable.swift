import ArgumentParser
import Common
import Configuration
import Description
import Libvirt

/// `virt-metadata enable`: sets the SMBIOS identity of a domain so that its cloud image requests metadata here, and sets its
/// first values.
struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Enable metadata for domains, and set their first values.",
        discussion: """
            cloud-init requests metadata only if the SMBIOS tables advertise a cloud. `enable` writes such SMBIOS entries, and \
            the values that you give, into the domain's definition, through libvirt, and prints the diff first. The values are \
            served to a running guest at once. The guest sees the SMBIOS entries only after a stop and start of its domain: use \
            --restart. `virt-metadata disable` removes what `enable` wrote.

            --identity is openstack (the default; understood by every cloud-init), ec2 (the domain's UUID must begin with 'ec2'), \
            nocloud (cloud-init from 23.3), or nocloud-net (cloud-init before 23.3, such as Debian 12's 22.4.2). Without \
            --identity, `enable` keeps the identity that the domain has. With --identity, it replaces an identity that it wrote \
            earlier. It replaces SMBIOS entries that were written by hand only with --force; `disable` then restores them.

            EXAMPLES
                virt-metadata enable web --ssh-key ~/.ssh/id_ed25519.pub --dry-run
                virt-metadata enable web1 web2 --ssh-key ~/.ssh/id_ed25519.pub \\
                  --restart
                virt-metadata enable web --user-data web.yaml \\
                  --set placement/region=eu --set 'tags/tag[env]=test'
                virt-metadata enable --xml --hostname web < web.xml > enabled.xml
            """)

    @Argument(
        help: ArgumentHelp("Domains, by name, UUID or ID; with --xml a file, or - for the standard input.", valueName: "domain"),
        completion: .domainsOrXML)
    var domains: [String] = []

    @Option(
        help: ArgumentHelp("SMBIOS identity: openstack, ec2, nocloud or nocloud-net.", valueName: "name"),
        completion: .list(SMBIOSIdentity.allCases.map(\.rawValue)), transform: identity)
    var identity: SMBIOSIdentity?

    @Option(
        help: ArgumentHelp(
            "File with OpenSSH public keys to add, or - for the standard input. A key is named by its comment. Repeatable.",
            valueName: "file"),
        completion: .file())
    var sshKey: [String] = []

    @Option(
        help: ArgumentHelp("File with the guest's user data, or - for the standard input.", valueName: "file"),
        completion: .file())
    var userData: String?

    @Option(help: ArgumentHelp("The guest's host name.", valueName: "name"))
    var hostname: String?

    @Option(
        help: ArgumentHelp(
            "Any other value; \(DocumentationPage.path("metadata.md")) lists the paths. Repeatable.", valueName: "path=value"
        ))
    var set: [ValueArgument] = []

    @Option(help: ArgumentHelp("Any other value, from a file, or - for the standard input. Repeatable.", valueName: "path=file"))
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
        let keys = try keys()
        let assignments = try assignments(keys, of: ValueArgument.word(for: targets))
        let edit = DefinitionEdit.enable(identity, assignments, replaces: force)
        if case .file(let file) = targets {
            return try XMLFilter(file: file, options: options).apply(edit) { outcome in
                SeedDisk.find(in: Array(outcome.xml.utf8)).map { "warning: \($0.problem): remove it" }
            }
        }
        let run = EditingRun(
            selection: selection, options: options, uris: configuration?.connect ?? [],
            defaults: configuration?.defaults ?? InstanceDefaults())
        try await run.change(targets) { editor in
            noteReplaced(keys, &editor)
            try await enable(&editor, edit, assignments)
        }
    }

    private func enable(
        _ editor: inout DomainEditor, _ edit: DefinitionEdit, _ assignments: [InstanceElement.Assignment]
    ) async throws {
        let domain = editor.domain
        if let defined = domain.defined {
            for disk in SeedDisk.find(in: Array(defined.xml.utf8)) {
                let remedy = disk.remedy(for: domain.commandWord, by: "virsh -c \(editor.host.uri.shellWord)")
                editor.report.note("warning: \(disk.problem): \(remedy)")
            }
        } else if bothSides.config {
            throw CommandFailure("--config needs a persistent definition, which this transient domain does not have")
        } else {
            editor.report.note(
                "transient domain: it has no definition, so only values of the running domain are set, and its SMBIOS tables are not "
                    + "changed; for SMBIOS entries use `virt-metadata enable --xml` on the XML that the domain is created from")
        }
        try await editor.change(definition: edit, running: bothSides.config ? nil : .set(assignments))
        try await editor.finish(restart, isDryRun: options.dryRun, command: "enable")
    }

    private static func identity(_ name: String) throws -> SMBIOSIdentity {
        guard let identity = SMBIOSIdentity(rawValue: name) else {
            let names = SMBIOSIdentity.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("expected one of \(names)")
        }
        return identity
    }

    /// Notes which keys lose their place to other ones: who adds a key may not know that another has its comment.
    private func noteReplaced(_ keys: [InstanceElement.Assignment], _ editor: inout DomainEditor) {
        let sides = bothSides.config ? [editor.domain.defined] : [editor.domain.defined, editor.domain.running]
        let elements = sides.compactMap { $0?.element }.map(InstanceElement.init)
        for key in keys {
            let new = PublicKeyFile.bytes(of: String(decoding: key.value, as: UTF8.self))
            let old = Set(elements.compactMap { (try? $0.value(at: key.path)).map(PublicKeyFile.bytes) }).subtracting([new])
            for old in old.sorted() {
                editor.report.note("\(key.path): another key is replaced: \(old); to keep both, give the new key another comment")
            }
        }
    }

    private func keys() throws -> [InstanceElement.Assignment] {
        var files: [PublicKeyFile] = []
        for path in sshKey { files.append(try PublicKeyFile(path: path)) }
        return try PublicKeyFile.assignments(files)
    }

    private func assignments(
        _ keys: [InstanceElement.Assignment], of domain: String
    ) throws -> [InstanceElement.Assignment] {
        var all: [InstanceElement.Assignment] = []
        if let hostname { all.append(try ValueArgument.assignment("hostname", hostname, of: domain)) }
        all += keys
        if let userData { all.append(try ValueArgument.file(userData, to: ValueArgument.path("userdata"), of: domain)) }
        for value in set { all.append(try value.assignment(of: domain)) }
        for value in file { all.append(try value.assignmentOfFile(of: domain)) }
        return all
    }
}
