import ArgumentParser
import Common
import Configuration
import Description
import FoundationEssentials
import Glibc
import Identity
import Logging
import Server
import VendorData

/// `virt-metadata tree`: prints what a guest would read, without a socket.
struct Tree: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the paths that a domain's guest can read, or print their contents.",
        discussion: """
            The paths are computed from the domain's XML. The metadata server is not queried, but vendor data targets are, if they \
            are set. Directories end with a slash. Contents, which may be secret, are printed only with --contents, or for one \
            file with --path.

            EXAMPLES
              All paths of the newest version of each API:
                virt-metadata tree web

              One file, byte for byte:
                virt-metadata tree web --path /latest/user-data

              One directory and its contents, as JSON:
                virt-metadata tree web --path /latest/meta-data/ \\
                  --contents -o json
            """)

    @Argument(help: "The domain's name, UUID or ID.", completion: .domains)
    var domain: String

    @Option(
        help: ArgumentHelp("Print only this API: \(views.map(\.name).joined(separator: ", ")).", valueName: "api"),
        completion: .list(views.map(\.name)))
    var api: String?

    @Option(
        help: ArgumentHelp("Print only this path: a file byte for byte, a directory with all paths below it.", valueName: "path"))
    var path: String?

    @Flag(help: "Print the contents too; bytes that are not text as base64.")
    var contents = false

    @Option(
        help: ArgumentHelp(
            "IPv4 address of the guest, for values that depend on it.", valueName: "address"))
    var sourceAddress: String?

    /// The earlier name of `--source-address`.
    @Option(help: .hidden) var from: String?

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: SettingsOptions<PreviewSettings>

    private var address: String? { sourceAddress ?? from }

    func validate() throws {
        if let api, !views.contains(where: { $0.name == api }) {
            let names = views.map(\.name).joined(separator: ", ")
            throw ValidationError("invalid value '\(api)' for --api: expected one of \(names)")
        }
        if let address, IPAddress(address) == nil {
            throw ValidationError("invalid value '\(address)' for --source-address: expected an IP address")
        }
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
            throw CommandFailure("cannot sign the identity document: \(error)")
        }
    }

    private func vendorDataMembers(of instance: Instance, _ configuration: Configuration) async -> [JSONMember] {
        let threshold = LogThreshold(configuration.logLevel)
        let logger = Logger(label: "virt-metadata") { ThresholdLogHandler(LineLogHandler(label: $0), threshold) }
        guard let targets = configuration.makeVendorDataTargets(logger: logger) else { return [] }
        return await targets.answers(about: instance)
    }

    private func instance(of found: DomainSource.Found) throws(CommandFailure) -> Instance {
        do {
            return try found.assembly.assemble(found.xml, edited: found.edited).instance
        } catch {
            throw CommandFailure("\(domain): invalid domain XML: \(error)")
        }
    }

    // MARK: Printing

    private func print(_ question: Question) throws {
        let chosen = views.filter { api == nil || $0.name == api }
        guard let path else {
            let walks = try chosen.map { view in
                let newest = TreePath(view.root.names + ["latest"])
                let hasVersions = (view.publicNode(at: newest) ?? view.node(at: newest, for: question)) != nil
                return try Walk(through: view, from: hasVersions ? newest : view.root, for: question)
            }
            return try print(walks.flatMap(\.steps))
        }
        guard let treePath = TreePath(target: path), let view = chosen.first(where: { $0.claims(treePath) }),
            let node = view.publicNode(at: treePath) ?? view.node(at: treePath, for: question)
        else { throw CommandFailure("\(path): not served for this domain (404)") }
        if case .directory = node { return try print(Walk(through: view, from: treePath, for: question).steps) }
        guard output.format == .table else {
            let content = try node.content
            return try output.print(Self.document([Self.json(treePath, isDirectory: false, content, isShown: true)])) { _ in "" }
        }
        try FileDescriptorOutput.show(try node.content.bytes)
    }

    private func print(_ steps: [Walk.Step]) throws(CommandFailure) {
        let rows = { steps.map { Self.json($0.path, isDirectory: $0.isDirectory, $0.content, isShown: contents) } }
        try output.print(Self.document(rows())) { _ in
            steps.map { step in
                contents ? step.text.cleaned(for: .page) : "\(Self.name(step.path, isDirectory: step.isDirectory).cleaned())\n"
            }.joined()
        }
    }

    private static func name(_ path: TreePath, isDirectory: Bool) -> String {
        isDirectory && !path.names.isEmpty ? "\(path)/" : "\(path)"
    }

    private static func document(_ rows: [JSONValue]) -> JSONValue { .object([JSONMember("paths", .array(rows))]) }

    /// A path; its content only where it is to be shown, as text, or as base64 where it is not UTF-8.
    private static func json(_ path: TreePath, isDirectory: Bool, _ content: Content?, isShown: Bool) -> JSONValue {
        let type = isDirectory ? "directory" : content.map { $0.type == .json ? "json" : "text" } ?? "missing"
        let bytes = content?.bytes ?? []
        var members = [
            JSONMember("path", .string(name(path, isDirectory: isDirectory))), JSONMember("type", .string(type)),
            JSONMember("bytes", .integer(Int64(bytes.count))),
        ]
        if isShown, !isDirectory {
            let text = String(validating: bytes, as: UTF8.self).flatMap { $0.utf8.contains(0) ? nil : $0 }
            members.append(JSONMember("encoding", .string(text == nil ? "base64" : "utf-8")))
            members.append(JSONMember("content", .string(text ?? Data(bytes).base64EncodedString())))
        }
        return .object(members)
    }
}
