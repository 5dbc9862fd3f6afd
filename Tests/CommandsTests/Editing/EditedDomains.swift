import Foundation
import TestSupport
import Testing

/// Domains of libvirt's test driver in a libvirtd, where virsh shows what the commands did.
final class EditedDomains {
    static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB me@desk"

    let libvirtd: PrivateLibvirtd
    private let connection: StandingConnection

    init() throws {
        libvirtd = try PrivateLibvirtd()
        connection = try StandingConnection(to: libvirtd.uri)
    }

    /// Defines a domain, and returns its definition as libvirt then has it.
    ///
    /// - Parameters:
    ///   - instance: the content of the operator's element; none where it is empty.
    ///   - more: more elements of the domain.
    @discardableResult
    func define(
        _ name: String = "web", uuid: String = "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", instance: String = "",
        os: String = "", more: String = "", disks: String = "", start: Bool = false
    ) throws -> String {
        let metadata = "<metadata><instance xmlns='urn:virt-metadata:instance:1'>\(instance)</instance></metadata>"
        let xml = """
            <domain type='test'><name>\(name)</name><uuid>\(uuid)</uuid>\(instance.isEmpty ? "" : metadata)<memory>65536</memory>
            <os><type>hvm</type>\(os)</os>\(more)
            <devices>\(disks)<graphics type='vnc' passwd='s3cret'/></devices></domain>
            """
        try libvirtd.virsh("define", libvirtd.file("\(name).xml", xml))
        if start { try libvirtd.virsh("start", name) }
        return try definition(name)
    }

    /// Defines several domains with names and UUIDs that end with a number from 1.
    func define(count: Int) throws {
        for number in 1...count { try define("web\(number)", uuid: "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b0\(number)") }
    }

    /// A domain's definition, including passwords.
    func definition(_ name: String = "web") throws -> String {
        try libvirtd.virsh("dumpxml", "--inactive", "--security-info", name)
    }

    func running(_ name: String = "web") throws -> String { try libvirtd.virsh("dumpxml", "--security-info", name) }

    func file(_ name: String, _ text: String) throws -> String { try libvirtd.file(name, text) }

    func run(_ arguments: String...) async throws -> Command.Output {
        try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--connect", libvirtd.uri])
    }

    func run(_ arguments: [String]) async throws -> Command.Output {
        try await Program.run(arguments[0], more: Array(arguments.dropFirst()) + ["--connect", libvirtd.uri])
    }

    func succeed(_ arguments: String...) async throws -> Command.Output {
        let output = try await run(arguments)
        try #require(output.status == 0, "\(output.stderr)")
        return output
    }

    /// Runs a shell's line in which `$vm` is the program and `$uri` libvirt's URI; drafts are in the libvirtd's directory.
    func shell(_ line: String) async throws -> Command.Output {
        try await Program.shell(
            "export uri='\(libvirtd.uri)' vm=\"$virt_metadata\" XDG_STATE_HOME='\(libvirtd.directory)/state'; \(line)")
    }

    /// Runs a shell's line on a terminal, on which the given text is typed.
    func terminal(_ line: String, typing text: String) async throws -> Command.Output {
        let script = try file("line-\(UUID().uuidString).sh", line)
        return try await shell("printf '\(text)' | script -qec 'sh \(script)' /dev/null")
    }

    /// The report of one domain, or the first one, as `-o json` prints it.
    func report(_ arguments: String...) async throws -> [String: Any] {
        let output = try await run(arguments + ["-o", "json"])
        return try #require(Self.reports(in: output.stdout).first, "\(output)")
    }

    static func reports(in text: String) throws -> [[String: Any]] {
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return document?["domains"] as? [[String: Any]] ?? []
    }
}
