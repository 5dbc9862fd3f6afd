import ArgumentParser
import Configuration
import Inventory

/// `virt-metadata set`: writes values into a domain's instance element.
struct SetValues: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Write values into a domain's metadata.",
        discussion: """
            A path names an element of the operator's vocabulary (/usr/share/doc/virt-metadata/metadata.md), with the name of a tag or key, the path of a \
            file, the MAC of an interface in brackets, and an attribute behind '@'. `+=` adds one more where several may stand. \
            The running domain and its definition are changed alike; each value is checked before libvirt sees it.

            EXAMPLES
                virt-metadata set web hostname=web.example placement/region=eu
                virt-metadata set web 'tags/tag[env]=test' security-groups/group+=ssh imds@tokens=required
                virt-metadata set web --file userdata=web.yaml --file 'files/file[/etc/motd]=motd'
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Argument(help: ArgumentHelp("Values, as PATH=VALUE or PATH+=VALUE.", valueName: "path=value"))
    var values: [ValueArgument] = []

    @Option(help: ArgumentHelp("A value from a file; may be repeated.", valueName: "path=file"))
    var file: [ValueArgument] = []

    @OptionGroup var sides: Sides
    @OptionGroup var settings: CommandSettings

    func validate() throws {
        if values.isEmpty, file.isEmpty { throw ValidationError("there is nothing to set: PATH=VALUE, or --file PATH=FILE") }
    }

    func run() async throws {
        let configuration = try settings.load()
        var assignments: [InstanceElement.Assignment] = []
        for value in values { assignments.append(try value.assignment()) }
        for value in file { assignments.append(try value.assignmentOfFile()) }
        let editor = try await DomainEditor(domain, uris: configuration.connect)
        try await sides.change(.set(assignments), by: editor)
    }
}
