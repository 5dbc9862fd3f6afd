import ArgumentParser
import Common
import Configuration
import Glibc
import Identity
import Inventory
import Libvirt

/// `virt-metadata password`: prints the password that a guest has set.
struct Password: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the password that a guest left, or take it away.",
        discussion: """
            A Windows guest with cloudbase-init sets a random password, encrypts it with the first public key of its instance, \
            and leaves it here, if the server was started with --allow-password yes. It is printed as it was left, without a \
            newline.

            EXAMPLES
                virt-metadata password web
                virt-metadata password web --decrypt ~/.ssh/web.pem
              So that the guest may leave another one:
                virt-metadata password web --clear
            """)

    @Argument(help: "The domain's name, UUID or number.")
    var domain: String

    @Option(
        help: ArgumentHelp(
            "Decrypt it with this RSA private key, in PEM and without a password of its own.", valueName: "keyfile"))
    var decrypt: String?

    @Flag(help: "Take it away, from the running domain and from its definition.")
    var clear = false

    @OptionGroup var settings: CommandSettings

    func validate() throws {
        if clear, decrypt != nil { throw ValidationError("--clear prints nothing that could be decrypted") }
    }

    func run() async throws {
        let configuration = try settings.load()
        let found = try await DomainSource(configuration, edited: true).domain(domain)
        let running = try instance(found.xml, found.assembly)
        if clear {
            let defined = try found.edited.map { try instance($0, found.assembly) }
            guard running.password != nil || defined?.password != nil else { throw none }
            return try await clear(running.domain, at: found.uri)
        }
        guard let password = running.password else { throw none }
        guard let decrypt else { return try write(Array(password.utf8)) }
        do {
            let key = try PasswordKey(pem: String(decoding: DomainSource.bytes(of: decrypt), as: UTF8.self))
            try write(try key.open(password))
        } catch let error as PasswordKey.Failure {
            throw CommandFailure("\(decrypt): \(error)")
        }
    }

    private var none: CommandFailure { CommandFailure("the guest of '\(domain)' has left no password") }

    private func instance(_ xml: [UInt8], _ assembly: InstanceAssembly) throws(CommandFailure) -> Instance {
        do {
            return try assembly.assemble(xml).instance
        } catch {
            throw CommandFailure("the XML of \(domain) cannot be used: \(error)")
        }
    }

    private func clear(_ uuid: InstanceUUID, at uri: String) async throws(CommandFailure) {
        let store = PasswordStore(uri: uri)
        let change: MetadataChange
        do throws(LibvirtError) {
            change = try await store.clear(uuid)
        } catch {
            throw CommandFailure("cannot change '\(domain)' at \(uri): \(error)")
        }
        await store.disconnect()
        guard change == .made else { throw CommandFailure("there is no domain '\(domain)' any more") }
    }

    private func write(_ bytes: [UInt8]) throws(CommandFailure) {
        try FileDescriptorOutput.show(bytes)
    }
}
