import Foundation
import TestSupport
import Testing

/// The Ansible role and its module, run by ansible-playbook against a libvirtd with the test driver.
@Suite(.enabled(if: AnsibleController.isInstalled, AnsibleController.need))
struct AnsibleRoleTests {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB operator@example"
    private static let guests = (1...10).map { "web\($0)" }

    private let controller: AnsibleController

    init() throws {
        controller = try AnsibleController()
    }

    private static func variables(hostname: String = "example") -> [String: Any] {
        let all: [[String: Any]] = guests.map { name in
            [
                "name": name, "hostname": "\(name).\(hostname)", "ssh_keys": [key],
                "user_data": "#cloud-config\npassword: \(AnsibleController.secrets[0])\n",
                "values": ["placement/region": "eu", "imds@hop-limit": 2, "security-groups/group": ["web", "ssh"]],
                "secret_values": ["iam/security-credentials[app]": ["SecretAccessKey": AnsibleController.secrets[1]]],
            ]
        }
        return ["virt_metadata_guests": all]
    }

    @Test func `ten guests are enabled once, changed where they differ, and disabled again`() async throws {
        try controller.define(Self.guests)
        let old = try Self.guests.map(controller.definition)

        let checked = try await controller.play(Self.variables(), "--check", "--diff")
        #expect(checked.status == 0, "\(checked.stdout)\(checked.stderr)")
        #expect(controller.count("changed", in: checked) == 10, "\(checked.stdout)")
        #expect(checked.stdout.contains("OpenStack Nova"))
        #expect(try Self.guests.map(controller.definition) == old)

        let enabled = try await controller.play(Self.variables(), "-vvv")
        #expect(enabled.status == 0, "\(enabled.stdout)\(enabled.stderr)")
        #expect(controller.count("changed", in: enabled) == 10, "\(enabled.stdout)")
        try await expectValues(of: "web7")

        let again = try await controller.play(Self.variables(), "--diff")
        #expect(controller.count("ok", in: again) == 10 && controller.count("changed", in: again) == 0, "\(again.stdout)")
        #expect(again.stdout.contains(#/kvm +: ok=\d+ +changed=0 /#))

        let other = try await controller.play(Self.variables(hostname: "test"), "--diff")
        #expect(controller.count("changed", in: other) == 10)
        #expect(other.stdout.contains("web3.test"), "\(other.stdout)")

        let disabled: [String: Any] = ["virt_metadata_guests": Self.guests.map { ["name": $0, "state": "disabled"] }]
        #expect(controller.count("changed", in: try await controller.play(disabled)) == 10)
        #expect(try Self.guests.map(controller.definition) == old)
        let clean = try await controller.play(disabled)
        #expect(controller.count("ok", in: clean) == 10 && clean.status == 0, "\(clean.stdout)")
        for secret in AnsibleController.secrets { #expect(try !controller.commands().contains(secret)) }
    }

    /// Checks what a guest would read.
    private func expectValues(of name: String) async throws {
        let xml = try controller.definition(name)
        #expect(xml.contains("<entry name='product'>OpenStack Nova</entry>"))
        try controller.libvirtd.virsh("start", name)
        func read(_ path: String) async throws -> String {
            try await Program.run("tree", name, "--path", path, "--connect", controller.libvirtd.uri).stdout
        }
        #expect(try await read("/latest/meta-data/hostname") == "\(name).example")
        #expect(try await read("/latest/meta-data/placement/region") == "eu")
        #expect(try await read("/latest/meta-data/security-groups") == "web\nssh")
        #expect(try await read("/latest/meta-data/public-keys/0/openssh-key").hasPrefix(Self.key))
        #expect(try await read("/latest/user-data") == "#cloud-config\npassword: \(AnsibleController.secrets[0])\n")
        #expect(try await read("/latest/meta-data/iam/security-credentials/app").contains(AnsibleController.secrets[1]))
        try controller.libvirtd.virsh("destroy", name)
    }

    @Test func `lists are replaced, and values removed`() async throws {
        try controller.define(["web1"])
        func groups(_ guest: [String: Any]) async throws -> (changed: Int, xml: String) {
            let output = try await controller.play(["virt_metadata_guests": [guest.merging(["name": "web1"]) { $1 }]])
            #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
            return (controller.count("changed", in: output), try controller.definition("web1"))
        }
        var (changed, xml) = try await groups(["values": ["security-groups/group": ["a", "b", "c"], "placement/region": "eu"]])
        #expect(changed == 1 && xml.contains(">c</"), "\(xml)")
        (changed, xml) = try await groups(["values": ["security-groups/group": ["b"], "placement/region": nil] as [String: Any?]])
        #expect(changed == 1 && xml.contains(">b</") && !xml.contains(">a</") && !xml.contains("<vm:region"), "\(xml)")
        (changed, xml) = try await groups(["values": ["security-groups/group": [String]()], "unset": ["tags/tag[x]"]])
        #expect(changed == 1 && !xml.contains("<vm:security-groups"), "\(xml)")
        (changed, _) = try await groups(["unset": ["security-groups"]])
        #expect(changed == 0)
    }

    @Test func `what virt-metadata refuses is the task's error`() async throws {
        try controller.define(["web1"])
        for (guest, message) in [
            (["name": "wbe1"], "web1"), (["name": "web1", "hostname": "bad_host name!"], "bad_host name!"),
            (["name": "web1", "state": "disabled", "hostname": "a"], "state=disabled takes no hostname"),
            (["name": "web1", "ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]], "private key"),
        ] as [([String: Any], String)] {
            let output = try await controller.play(["virt_metadata_guests": [guest]])
            #expect(output.status == 2)
            #expect(output.stdout.contains(message), "\(output.stdout)")
        }
        let absent: [String: Any] = ["virt_metadata_executable": "/nonexistent", "virt_metadata_guests": [["name": "web1"]]]
        #expect(try await controller.play(absent).stdout.contains("Failed to find required executable"))
    }

    @Test func `the configuration is checked before it is written`() async throws {
        let file = controller.libvirtd.directory + "/config.yaml"
        func configure(_ settings: [String: Any]) async throws -> Command.Output {
            try await controller.play(["virt_metadata_config": settings, "virt_metadata_config_file": file])
        }
        let written = try await configure(["network": ["default"], "log-level": "debug"])
        #expect(written.status == 0, "\(written.stdout)\(written.stderr)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let refused = try await configure(["threads": "many"])
        #expect(refused.status == 2)
        #expect(refused.stdout.contains("many"), "\(refused.stdout)")
        let misspelt = try await configure(["netwrok": ["default"]])
        #expect(misspelt.status == 2)
        #expect(misspelt.stdout.contains("virt_metadata_config: "), "\(misspelt.stdout)")
        #expect(misspelt.stdout.contains("netwrok") && !misspelt.stdout.contains("ansible-tmp"), "\(misspelt.stdout)")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        let again = try await configure(["network": ["default"], "log-level": "debug"])
        #expect(again.stdout.contains("changed=0 "), "\(again.stdout)")
    }

    @Test func `a needed restart is seen, and in check mode it is a change`() async throws {
        try controller.define(["web1", "web2"])
        try controller.libvirtd.virsh("start", "web1")
        func enable(restart: Bool, _ option: String = "--diff") async throws -> Command.Output {
            let guests = ["web1", "web2"].map { ["name": $0, "restart": restart, "timeout": 30] as [String: Any] }
            let output = try await controller.play(["virt_metadata_guests": guests], option)
            #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
            return output
        }
        #expect(controller.count("changed", in: try await enable(restart: false)) == 2)
        // Nothing is changed any more, and the guest still waits.
        let waiting = try await enable(restart: false)
        #expect(controller.count("ok", in: waiting) == 2)
        #expect((waiting.stdout + waiting.stderr).contains("web1: restart needed"), "\(waiting.stdout)\(waiting.stderr)")
        #expect(!(waiting.stdout + waiting.stderr).contains("web2: restart needed"))
        #expect(waiting.stdout.contains("or set restart: true): web1\""), "\(waiting.stdout)")
        let checked = try await enable(restart: true, "--check")
        #expect(controller.count("changed", in: checked) == 1 && controller.count("ok", in: checked) == 1, "\(checked.stdout)")
        let restarted = try await enable(restart: true)
        #expect(controller.count("changed", in: restarted) == 1, "\(restarted.stdout)")
        #expect(try controller.commands().contains("--restart --timeout 30"))
        let after = try await enable(restart: true, "--check")
        #expect(controller.count("ok", in: after) == 2 && !after.stdout.contains("restart needed"), "\(after.stdout)")
    }

    @Test func `check mode does not miss a package that would be copied first`() async throws {
        let package = try controller.libvirtd.file("virt-metadata_\(UUID().uuidString).deb", "a package")
        let checked = try await controller.play(["virt_metadata_package": package], "--check")
        #expect(checked.status == 0, "\(checked.stdout)\(checked.stderr)")
        #expect(checked.stdout.contains(#/changed=1 /#), "\(checked.stdout)")
    }

    @Test func `a guest may have its own libvirt and program`() async throws {
        try controller.define(["web1"])
        let guest = [
            "name": "web1", "uri": controller.libvirtd.uri, "executable": controller.libvirtd.directory + "/virt-metadata",
        ]
        let output = try await controller.play([
            "virt_metadata_uri": "test:///nonexistent", "virt_metadata_executable": "/nonexistent",
            "virt_metadata_guests": [guest],
        ])
        #expect(controller.count("changed", in: output) == 1, "\(output.stdout)")
    }

    @Test func `ansible-doc reads the module's documentation`() async throws {
        let modules = AnsibleController.project + "/ansible/roles/virt_metadata/library"
        let page = try Command.succeed(
            [
                "env", "-i", "HOME=\(controller.libvirtd.directory)/home", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8",
                "PYTHONPATH=" + Clients.installed("ansible-controller"), "/usr/bin/python3", "-m", "ansible", "doc", "-M",
                modules,
                "-t", "module", "--json", "virt_metadata",
            ], limit: .seconds(60))
        let all = try #require(try JSONSerialization.jsonObject(with: Data(page.utf8)) as? [String: [String: Any]])
        let documented = (all["virt_metadata"]?["doc"] as? [String: Any])?["options"] as? [String: Any]
        let source = try String(contentsOfFile: modules + "/virt_metadata.py", encoding: .utf8)
        let arguments = source.matches(of: #/\n    "(\w+)": \{"type"/#).map { String($0.1) }
        #expect(Set(arguments) == Set(documented?.keys.map { $0 } ?? []) && !arguments.isEmpty)
    }
}
