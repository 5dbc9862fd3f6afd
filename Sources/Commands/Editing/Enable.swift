import ArgumentParser
import Common
import Configuration
import Inventory
import Libvirt

/// `virt-metadata enable`: sets the SMBIOS identity of a domain so that its cloud image requests metadata here, and sets its
/// first values.
struct Enable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a domain's guest find its metadata, and say what it is told.",
        discussion: """
            A cloud image asks only a host that looks like a cloud. This writes into the domain's definition the SMBIOS entries by \
            which the image knows one, and the values that are given here, through libvirt. What changes is shown first. A \
            domain that runs is told the values at once, and sees the entries when it is stopped and started. \
            `virt-metadata disable` takes out what was put in.

            --identity is openstack (the default: any cloud-init, no demand on the domain), ec2 (the domain's UUID must begin \
            'ec2'), nocloud (cloud-init from 23.3), or nocloud-net (Debian 12's 22.4.2 and others before 23.3).

            EXAMPLES
                virt-metadata enable web --ssh-key ~/.ssh/id_ed25519.pub
                virt-metadata enable web --identity openstack --user-data web.yaml --hostname web.example --dry-run
                virt-metadata enable web --set placement/region=eu --set 'tags/tag[env]=test'
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Option(
        help: ArgumentHelp("How the guest knows where to ask: openstack, ec2, nocloud or nocloud-net.", valueName: "name"),
        transform: identity)
    var identity: SMBIOSIdentity?

    @Option(help: ArgumentHelp("A file of OpenSSH public keys; may be repeated.", valueName: "file"))
    var sshKey: [String] = []

    @Option(help: ArgumentHelp("The file that the guest gets as its user data.", valueName: "file"))
    var userData: String?

    @Option(help: ArgumentHelp("The guest's host name.", valueName: "name"))
    var hostname: String?

    @Option(help: ArgumentHelp("Another value, as virt-metadata set takes it. Repeatable.", valueName: "path=value"))
    var set: [ValueArgument] = []

    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        let assignments = try assignments()
        let editor = try await DomainEditor(domain, uris: configuration.connect)
        if editor.domain.defined == nil {
            editor.note("it is transient and has no definition: only the running domain is told, and its SMBIOS tables stay")
        }
        try await editor.change(
            definition: .enable(try chosenIdentity(for: editor.domain), assignments), running: .set(assignments),
            onlyShows: dryRun)
    }

    /// The SMBIOS identity that is given; else the domain's present one, or the one that fits every domain.
    private func chosenIdentity(for domain: EditableDomain) throws(CommandFailure) -> SMBIOSIdentity? {
        if let identity { return identity }
        guard let defined = domain.defined else { return nil }
        do {
            let definition = try DomainDefinition(defined.xml, element: defined.element)
            return definition.presentIdentity == nil ? .openstack : nil
        } catch {
            throw CommandFailure("the XML of \(domain.name) cannot be used: \(error)")
        }
    }

    private static func identity(_ name: String) throws -> SMBIOSIdentity {
        guard let identity = SMBIOSIdentity(rawValue: name) else {
            let names = SMBIOSIdentity.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no identity '\(name)'; there are \(names)")
        }
        return identity
    }

    private func assignments() throws -> [InstanceElement.Assignment] {
        var all: [InstanceElement.Assignment] = []
        if let hostname { all.append(.init(path: try ValueArgument.path("hostname"), value: Array(hostname.utf8))) }
        var files: [PublicKeyFile] = []
        for path in sshKey { files.append(try PublicKeyFile(path: path)) }
        all += try PublicKeyFile.assignments(files)
        if let userData { all.append(try ValueArgument.file(userData, to: ValueArgument.path("userdata"))) }
        for value in set { all.append(try value.assignment()) }
        return all
    }
}
