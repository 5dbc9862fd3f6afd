import Foundation
import TestSupport
import Testing

/// `password` on domains of libvirt's test driver.
@Suite(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd")) struct PasswordCommandTests {
    private let domains: EditedDomains

    init() throws {
        domains = try EditedDomains()
        try domains.define()
        try domains.libvirtd.virsh(
            "metadata", "web", "--uri", "urn:virt-metadata:password:1", "--key", "vm-password", "--config", "--set",
            "<password>c2VjcmV0</password>")
    }

    @Test func `a password is printed as it was set, and cleared once`() async throws {
        #expect(try await domains.succeed("password", "web").stdout == "c2VjcmV0")
        let json = try await domains.succeed("password", "web", "--json")
        let read = try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: String]
        #expect(
            read == ["domain": "web", "uuid": "6d0f7f1e-32a5-4f4e-9a3c-0e5a3f1c2b4d", "password": "c2VjcmV0"], "\(json)")
        #expect(try await domains.succeed("password", "web", "--clear").stderr == "web: password removed\n")
        #expect(try !domains.definition().contains("c2VjcmV0"))
        let again = try await domains.succeed("password", "web", "--clear", "-o", "json")
        let report = try JSONSerialization.jsonObject(with: Data(again.stdout.utf8)) as? [String: Any]
        #expect(report?["changed"] as? Bool == false)
        #expect(again.stderr.isEmpty)
        #expect(try await domains.run("password", "web").status == 1)
    }

    @Test func `an unusable key file is an error that names the file`() async throws {
        let text = try domains.file("text", "hello\n")
        let encrypted = try domains.file(
            "encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
        for (file, sentence) in [
            ("/nonexistent", "cannot read /nonexistent: No such file or directory\n"), (text, "\(text): "),
            (encrypted, "\(encrypted): the key is encrypted; "),
        ] {
            let output = try await domains.run("password", "web", "--decrypt", file)
            #expect(output.status == 1)
            #expect(output.stdout.isEmpty)
            #expect(output.stderr.hasPrefix("virt-metadata: \(sentence)"), "\(output)")
        }
    }
}
