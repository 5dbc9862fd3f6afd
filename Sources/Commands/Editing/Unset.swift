import ArgumentParser
import Configuration
import Inventory

/// `virt-metadata unset`: removes values from a domain's instance element.
struct Unset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take values out of a domain's metadata.",
        discussion: """
            Paths are those of `virt-metadata set`. Elements that hold nothing any more go with the last value below them.

            EXAMPLES
                virt-metadata unset web placement/region 'tags/tag[env]'
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Argument(help: "What to take out.")
    var paths: [String]

    @OptionGroup var sides: Sides
    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        var read: [ElementPath] = []
        for path in paths { read.append(try ValueArgument.path(path)) }
        let editor = try await DomainEditor(domain, uris: configuration.connect)
        try await sides.change(.unset(read), by: editor)
    }
}
