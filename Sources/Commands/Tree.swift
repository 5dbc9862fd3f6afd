import ArgumentParser
import Common
import Configuration
import Glibc
import Identity
import Inventory
import Logging
import Server
import VendorData

/// `virt-metadata tree`: prints what a guest would read, without a socket.
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
            entropy: .system, seal: try configuration.existingSeal(),
            targetsSay: await vendorDataMembers(of: instance, configuration))
        do {
            try print(question)
        } catch let error as Unsigned {
            throw CommandFailure("the identity document cannot be signed: \(error)")
        }
    }

    private func vendorDataMembers(of instance: Instance, _ configuration: Configuration) async -> [JSONMember] {
        let threshold = LogThreshold(configuration.logLevel)
        let logger = Logger(label: "virt-metadata") { ThresholdLogHandler(StreamLogHandler.standardError(label: $0), threshold) }
        guard let targets = configuration.makeVendorDataTargets(logger: logger) else { return [] }
        return await targets.answers(about: instance)
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
                try write(try Walk(through: view, from: start, for: question).text)
            }
            return
        }
        guard let treePath = TreePath(target: path), let view = chosen.first(where: { $0.claims(treePath) }),
            let node = view.publicNode(at: treePath) ?? view.node(at: treePath, for: question)
        else { throw CommandFailure("there is no place \(path) for this domain") }
        if case .directory = node {
            try write(try Walk(through: view, from: treePath, for: question).text)
        } else {
            try FileDescriptorOutput.show(try node.content.bytes)
        }
    }

    private func write(_ text: String) throws(CommandFailure) {
        try FileDescriptorOutput.write(Array(text.cleaned(for: .page).utf8), to: STDOUT_FILENO)
    }
}
