import ArgumentParser
import Common
import Configuration
import Description
import Glibc
import Identity
import Inventory
import JSON
import Libvirt

/// `virt-metadata password`: prints the password that a guest has set.
struct Password: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print or clear the password that a guest has set.",
        discussion: """
            A Windows guest with cloudbase-init sets a random password, encrypts it with the first public key of its instance, and \
            posts it to the server. With --allow-password the server stores it in the domain's XML. The password is printed as the \
            guest posted it, without a newline.

            EXAMPLES
                virt-metadata password web
                virt-metadata password web --decrypt ~/.ssh/web.pem
                virt-metadata password web --clear
            """)

    @Argument(help: "Domain, by name, UUID or ID.", completion: .domains)
    var domain: String

    @Option(
        help: ArgumentHelp("Decrypt the password with this RSA private key (unencrypted PEM).", valueName: "keyfile"),
        completion: .file())
    var decrypt: String?

    @Flag(help: "Remove the password from the running domain and its definition, so that the guest can set another one.")
    var clear = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var settings: CommandSettings

    func validate() throws {
        if clear, decrypt != nil { throw ValidationError("--clear prints no password: leave out --decrypt or --clear") }
    }

    func run() async throws {
        let configuration = try settings.load()
        let found = try await DomainSource(configuration, edited: true).domain(domain)
        let running = try instance(found.xml, found.assembly)
        if clear {
            let defined = try found.edited.map { try instance($0, found.assembly) }
            let isSet = running.password != nil || defined?.password != nil
            if isSet { try await clear(running.domain, at: found.uri) }
            return try report(running, [JSONMember("changed", .bool(isSet))]) {
                VirtMetadata.printError("\(domain): \(isSet ? "password removed" : "no password is set; no changes")")
            }
        }
        guard let password = running.password else {
            throw CommandFailure("\(domain): the guest has set no password")
        }
        let bytes = try decrypt.map { try decrypted(password, by: $0) } ?? Array(password.utf8)
        try report(running, [JSONMember("password", .string(String(decoding: bytes, as: UTF8.self)))]) {
            try FileDescriptorOutput.show(bytes)
        }
    }

    private func decrypted(_ password: String, by file: String) throws -> [UInt8] {
        do {
            let key = try PasswordKey(pem: String(decoding: DomainSource.bytes(of: file), as: UTF8.self))
            return try key.open(password)
        } catch let error as PasswordKey.Failure {
            throw CommandFailure("\(file): \(error)")
        }
    }

    /// Prints the result for programs, or as text.
    private func report(_ instance: Instance, _ result: [JSONMember], orText text: () throws -> Void) throws {
        guard output.format != .table else { return try text() }
        let domain = [
            JSONMember("domain", .string(instance.names.domainName)), JSONMember("uuid", .string("\(instance.domain)")),
        ]
        try output.print(.object(domain + result)) { _ in "" }
    }

    private func instance(_ xml: [UInt8], _ assembly: InstanceAssembly) throws(CommandFailure) -> Instance {
        do {
            return try assembly.assemble(xml).instance
        } catch {
            throw CommandFailure("\(domain): unusable domain XML: \(error)")
        }
    }

    private func clear(_ uuid: InstanceUUID, at uri: String) async throws(CommandFailure) {
        let store = PasswordStore(uri: uri)
        let change: MetadataChange
        do throws(LibvirtError) {
            change = try await store.clear(uuid)
        } catch {
            throw CommandFailure("\(domain): password not removed: \(DomainEditor.explanation(of: error, at: uri))")
        }
        await store.disconnect()
        guard change == .made else { throw CommandFailure("\(domain): the domain no longer exists") }
    }
}
