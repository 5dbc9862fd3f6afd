import Foundation
import TestSupport
import Testing

/// The role's `ssh_keys` is the complete list of a domain's keys: who is taken off it has no access any more.
@Suite(.enabled(if: AnsibleController.isInstalled, AnsibleController.need))
struct AnsibleKeysTests {
    private let controller: AnsibleController

    init() throws {
        controller = try AnsibleController()
    }

    // MARK: Helpers

    /// The type and the base64 text of a key.
    private static func key(_ number: UInt8) -> String {
        let bytes = [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 32] + [UInt8](repeating: number, count: 32)
        return "ssh-ed25519 " + Data(bytes).base64EncodedString()
    }

    /// Lists the keys in the role, and returns what it says.
    private func list(_ keys: [String]?, isCheck: Bool = false) async throws -> (changed: Bool, output: String) {
        var guest: [String: Any] = ["name": "web1"]
        if let keys { guest["ssh_keys"] = keys }
        let output = try await controller.play(["virt_metadata_guests": [guest]], isCheck ? "--check" : "--diff")
        #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
        return (controller.count("changed", in: output) == 1, output.stdout)
    }

    /// The keys of a side of the domain, by their names.
    private func keys(_ option: String...) throws -> [String: String] {
        let xml = try controller.libvirtd.virsh(["dumpxml"] + option + ["web1"])
        let found = xml.matches(of: #/<vm:public-key name=["']([^"']*)["']>\s*<vm:key>([^<]*)</#)
        return Dictionary(found.map { (String($0.1), String($0.2)) }) { "\($0)\n\($1)" }
    }

    // MARK: Tests

    @Test func `a key that is no longer listed is removed from the definition and from the running domain`() async throws {
        try controller.define(["web1"])
        let (alice, bob) = ("\(Self.key(1)) alice@desk", "\(Self.key(2)) bob@desk")
        #expect(try await list([alice, bob]).changed)
        try controller.libvirtd.virsh("start", "web1")
        #expect(try keys() == ["alice@desk": alice, "bob@desk": bob])
        #expect(try await !list([bob, alice]).changed, "The order of keys does not matter.")
        #expect(try await !list(nil).changed, "Without a list all keys stay.")

        #expect(try await list([bob], isCheck: true).changed)
        #expect(try keys().count == 2)
        #expect(try await list([bob]).changed)
        #expect(try keys() == ["bob@desk": bob])
        #expect(try keys("--inactive") == ["bob@desk": bob])

        // One that only the running domain has, by another hand.
        let uri = controller.libvirtd.uri
        let added = try await Program.run("set", "web1", "public-keys/public-key[eve]=\(alice)", "--live", "--connect", uri)
        #expect(added.status == 0)
        #expect(try keys().count == 2)
        #expect(try await list([bob]).changed)
        #expect(try keys() == ["bob@desk": bob])

        #expect(try await list([]).changed)
        #expect(try keys().isEmpty && keys("--inactive").isEmpty)
        #expect(try await !list([]).changed)
    }

    @Test func `a guest that is restarted boots without the removed key`() async throws {
        try controller.define(["web1"])
        try controller.libvirtd.virsh("start", "web1")
        #expect(try await list(["\(Self.key(1)) alice", "\(Self.key(2)) bob"]).changed)
        let guest: [String: Any] = ["name": "web1", "ssh_keys": ["\(Self.key(2)) bob"], "restart": true]
        let output = try await controller.play(["virt_metadata_guests": [guest]])
        #expect(controller.count("changed", in: output) == 1, "\(output.stdout)")
        #expect(!(output.stdout + output.stderr).contains("restart needed"), "\(output.stdout)")
        #expect(try Array(keys().keys) == ["bob"])
        let commands = try controller.commands().split(separator: "\n")
        let removal = try #require(commands.firstIndex { $0.hasPrefix("unset ") && $0.contains("public-key[alice]") })
        let restart = try #require(commands.firstIndex { $0.contains("--restart") })
        #expect(removal < restart)
    }

    @Test func `a key never takes the place of another one with its comment`() async throws {
        try controller.define(["web1"])
        let (old, new) = ("\(Self.key(1)) root@host", "\(Self.key(2)) root@host")
        #expect(try await list([old]).changed)
        #expect(try await list([new, old]).changed)
        #expect(try Set(keys("--inactive").values) == [old, new])
        #expect(try keys("--inactive")["root@host"] == old)
        #expect(try await !list([old, new]).changed)
        // The old key was listed; `disable` must not bring it back.
        #expect(try await list([new]).changed)
        #expect(try Array(keys("--inactive").values) == [new])
        let disabled = try await controller.play(["virt_metadata_guests": [["name": "web1", "state": "disabled"]]])
        #expect(disabled.status == 0)
        #expect(try !controller.definition("web1").contains(Self.key(1)))
    }

    @Test func `a key is known by itself, whatever its name, options and comment`() async throws {
        try controller.define(["web1"])
        let bare = Self.key(3)
        #expect(try await list([bare]).changed)
        let name = try #require(try keys("--inactive").keys.first)
        let file = try controller.libvirtd.file("key.pub", bare + "\n")
        let shown = try Command.succeed(["ssh-keygen", "-l", "-f", file])
        let fingerprint = try #require(shown.split(separator: " ").dropFirst().first)
        #expect(name == fingerprint.replacing(#/[:+]/#, with: "-").replacing("/", with: "_"))
        #expect(try await !list([bare]).changed)
        // With other options it is the same key, and is written again at its place.
        let limited = "from=\"192.0.2.0/24\",no-pty \(bare) with a comment"
        #expect(try await list([limited]).changed)
        #expect(try Array(keys("--inactive").keys) == [name])
        #expect(try controller.definition("web1").contains("with a comment"))
        #expect(try await !list([limited]).changed)
        // A file of keys is several, and a repeated key one.
        #expect(try await list(["# ours\n\(Self.key(4)) a\n\n\(Self.key(5)) b\n", "\(Self.key(4)) again"]).changed)
        #expect(try keys("--inactive") == ["a": "\(Self.key(4)) a", "b": "\(Self.key(5)) b"])
    }

    @Test func `errors name what the operator wrote, and change nothing`() async throws {
        try controller.define(["web1"])
        let key = "\(Self.key(1)) a"
        for (guest, message) in [
            (["ssh_keys": [key, "ssh-ed25519 AAAA cut"]], "ssh_keys[1]: invalid public key: expected OpenSSH's format"),
            (["ssh_keys": [key, " "]], "ssh_keys[1]: no public key found"),
            (["ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]], "ssh_keys[0]: private key"),
            (["ssh_keys": [key], "values": ["public-keys/public-key[b]": key]], "ssh_keys is the complete list"),
            (["user_data": ""], "user_data is empty; to remove it: unset: [userdata]"),
            (["values": ["placement/region": ""]], "placement/region: empty value; to remove it"),
            (["values": ["public-keys/public-key[b]": "none"]], "public-keys/public-key[b]: invalid public key"),
        ] as [([String: Any], String)] {
            let output = try await controller.play(["virt_metadata_guests": [guest.merging(["name": "web1"]) { $1 }]])
            #expect(output.status == 2)
            #expect(output.stdout.contains(message), "\(output.stdout)")
            #expect(!output.stdout.contains("value-") && !output.stdout.contains("ansible-tmp"), "\(output.stdout)")
        }
        #expect(try !controller.definition("web1").contains("<metadata>"))
    }
}
