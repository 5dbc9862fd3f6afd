import ArgumentParser
import Common
import Glibc
import Inventory
import Logging

/// `virt-metadata tree`: what a guest would read, without a socket.
struct Tree: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a domain's guest would read.",
        discussion: """
            EXAMPLES
              Everything in all trees, in their newest version:
                virt-metadata tree web

              One place, byte for byte:
                virt-metadata tree web --path /latest/user-data
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Option(help: ArgumentHelp("Only this tree: \(views.map(\.name).joined(separator: " or ")).", valueName: "api"))
    var api: String?

    @Option(help: ArgumentHelp("One place: a leaf is printed to the byte, a directory with all below it.", valueName: "path"))
    var path: String?

    @Option(
        name: .customLong("from"), help: ArgumentHelp("The IPv4 address that the guest would ask from.", valueName: "address"))
    var address: String?

    @OptionGroup var settings: CommandSettings

    func validate() throws {
        if let api, !views.contains(where: { $0.name == api }) {
            throw ValidationError("there is no tree '\(api)'; there are \(views.map(\.name).joined(separator: " and "))")
        }
        if let address, IPAddress(address) == nil { throw ValidationError("'\(address)' is no address") }
    }

    func run() async throws {
        let configuration = try settings.load()
        let found = try await DomainSource(configuration).domain(domain)
        let instance = try instance(of: found)
        let address = address.flatMap { IPAddress($0) }
        let question = Question(
            about: instance, address: address, interface: address == nil || instance.interfaces.isEmpty ? nil : 0,
            entropy: .system, seal: try Secrets.existingSeal(configuration.secrets),
            targetsSay: try await whatTargetsSay(of: instance, configuration))
        try print(question)
    }

    private func whatTargetsSay(of instance: Instance, _ configuration: Configuration) async throws -> [JSONMember] {
        var logger = Logger(label: "virt-metadata") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.logLevel
        guard let targets = VendorDataTargets(configuration, on: nil, logger: logger) else { return [] }
        let members = await targets.answers(about: instance)
        try await targets.end()
        return members
    }

    private func instance(of found: DomainSource.Found) throws(CommandFailure) -> Instance {
        do {
            return try found.assembly.assemble(found.xml, edited: found.edited).instance
        } catch {
            throw CommandFailure("the XML of \(domain) cannot be used: \(error)")
        }
    }

    private func print(_ question: Question) throws {
        let chosen = views.filter { api == nil || $0.name == api }
        guard let path else {
            for view in chosen {
                let newest = TreePath(view.root.names + ["latest"])
                let hasVersions = (view.publicNode(at: newest) ?? view.node(at: newest, for: question)) != nil
                let start = hasVersions ? newest : view.root
                try write(Walk(through: view, from: start, for: question).text)
            }
            return
        }
        guard let place = TreePath(target: path), let view = chosen.first(where: { $0.claims(place) }),
            let node = view.publicNode(at: place) ?? view.node(at: place, for: question)
        else { throw CommandFailure("there is no place \(path) for this domain") }
        if case .directory = node {
            try write(Walk(through: view, from: place, for: question).text)
        } else {
            try FileDescriptorOutput.write(node.content.bytes, to: STDOUT_FILENO)
        }
    }

    private func write(_ text: String) throws(CommandFailure) {
        try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
    }
}
