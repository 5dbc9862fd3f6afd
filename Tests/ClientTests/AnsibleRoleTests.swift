import Foundation
import TestSupport
import Testing

/// The Ansible role and its module, run by ansible-playbook against a libvirtd with the test driver.
@Suite(
    .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"),
    .enabled(if: Clients.has("ansible-controller"), "needs ansible-core: run Tests/clients/install-ec2-clients.sh"))
struct AnsibleRoleTests {
    private static let project = URL(filePath: #filePath).appending(path: "../../..").standardized.path
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB operator@example"
    /// What must be in no output, and in no argument of a process.
    private static let secrets = ["correct-horse-battery", "very-secret-access-key"]
    private static let guests = (1...10).map { "web\($0)" }

    private let libvirtd: PrivateLibvirtd
    private let connection: StandingConnection

    init() throws {
        libvirtd = try PrivateLibvirtd()
        connection = try StandingConnection(to: libvirtd.uri)
        // What the module runs is noted, then done.
        let wrapper = try libvirtd.file(
            "virt-metadata",
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >>'\(libvirtd.directory)/commands'\nexec '\(Program.path)' \"$@\"\n")
        try Command.succeed(["chmod", "+x", wrapper])
    }

    // MARK: Helpers

    private func define(_ names: [String]) throws {
        for name in names {
            let xml = """
                <domain type='test'><name>\(name)</name><memory>65536</memory><os><type>hvm</type></os><devices/></domain>
                """
            try libvirtd.virsh("define", libvirtd.file("\(name).xml", xml))
        }
    }

    private func definition(_ name: String) throws -> String { try libvirtd.virsh("dumpxml", "--inactive", name) }

    /// Runs the role with these variables, which are JSON, and returns ansible-playbook's output.
    private func play(_ variables: [String: Any], _ options: String...) async throws -> Command.Output {
        let common: [String: Any] = [
            "virt_metadata_manage_service": false, "virt_metadata_uri": libvirtd.uri,
            "virt_metadata_executable": libvirtd.directory + "/virt-metadata",
        ]
        let play: [[String: Any]] = [
            [
                "hosts": "all", "gather_facts": false, "roles": ["virt_metadata"],
                "vars": common.merging(variables) { $1 },
            ]
        ]
        let data = try JSONSerialization.data(withJSONObject: play, options: [.withoutEscapingSlashes])
        let playbook = try libvirtd.file("playbook.yml", String(decoding: data, as: UTF8.self))
        let environment = [
            "env", "-i", "HOME=\(libvirtd.directory)/home", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
            "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH=" + Clients.installed("ansible-controller"),
            "ANSIBLE_ROLES_PATH=\(Self.project)/ansible/roles", "ANSIBLE_LOCALHOST_WARNING=false",
            "ANSIBLE_REMOTE_TEMP=\(libvirtd.directory)/home/remote",
        ]
        let command = ["/usr/bin/python3", "-m", "ansible", "playbook", "-i", "kvm,", "-c", "local", playbook]
        let interpreter = ["-e", "ansible_python_interpreter=/usr/bin/python3"]
        let output = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result { try Command.run(environment + command + interpreter + options, limit: .seconds(150)) })
            }
        }
        for secret in Self.secrets { #expect(!(output.stdout + output.stderr).contains(secret), "\(output.stdout)") }
        return output
    }

    /// How many guests a run reports as changed, or as ok.
    private func count(_ result: String, in output: Command.Output) -> Int {
        output.stdout.split(separator: "\n").count { $0.hasPrefix("\(result): [kvm] => (item=") }
    }

    private func commands() throws -> String { try String(contentsOfFile: libvirtd.directory + "/commands", encoding: .utf8) }

    private static func variables(hostname: String = "example") -> [String: Any] {
        let all: [[String: Any]] = guests.map { name in
            [
                "name": name, "hostname": "\(name).\(hostname)", "ssh_keys": [key],
                "user_data": "#cloud-config\npassword: \(secrets[0])\n",
                "values": ["placement/region": "eu", "imds@hop-limit": 2, "security-groups/group": ["web", "ssh"]],
                "secret_values": ["iam/security-credentials[app]": ["SecretAccessKey": secrets[1]]],
            ]
        }
        return ["virt_metadata_guests": all]
    }

    // MARK: Tests

    @Test func `ten guests are enabled once, changed where they differ, and disabled again`() async throws {
        try define(Self.guests)
        let old = try Self.guests.map(definition)

        let checked = try await play(Self.variables(), "--check", "--diff")
        #expect(checked.status == 0, "\(checked.stdout)\(checked.stderr)")
        #expect(count("changed", in: checked) == 10, "\(checked.stdout)")
        #expect(checked.stdout.contains("OpenStack Nova"))
        #expect(try Self.guests.map(definition) == old)

        let enabled = try await play(Self.variables(), "-vvv")
        #expect(enabled.status == 0, "\(enabled.stdout)\(enabled.stderr)")
        #expect(count("changed", in: enabled) == 10, "\(enabled.stdout)")
        try await expectValues(of: "web7")

        let again = try await play(Self.variables(), "--diff")
        #expect(count("ok", in: again) == 10 && count("changed", in: again) == 0, "\(again.stdout)")
        #expect(again.stdout.contains(#/kvm +: ok=\d+ +changed=0 /#))

        let other = try await play(Self.variables(hostname: "test"), "--diff")
        #expect(count("changed", in: other) == 10)
        #expect(other.stdout.contains("web3.test"), "\(other.stdout)")

        let disabled: [String: Any] = ["virt_metadata_guests": Self.guests.map { ["name": $0, "state": "disabled"] }]
        #expect(count("changed", in: try await play(disabled)) == 10)
        #expect(try Self.guests.map(definition) == old)
        let clean = try await play(disabled)
        #expect(count("ok", in: clean) == 10 && clean.status == 0, "\(clean.stdout)")
        for secret in Self.secrets { #expect(try !commands().contains(secret)) }
    }

    /// Checks what a guest would read.
    private func expectValues(of name: String) async throws {
        let xml = try definition(name)
        #expect(xml.contains("<entry name='product'>OpenStack Nova</entry>"))
        try libvirtd.virsh("start", name)
        func read(_ path: String) async throws -> String {
            try await Program.run("tree", name, "--path", path, "--connect", libvirtd.uri).stdout
        }
        #expect(try await read("/latest/meta-data/hostname") == "\(name).example")
        #expect(try await read("/latest/meta-data/placement/region") == "eu")
        #expect(try await read("/latest/meta-data/security-groups") == "web\nssh")
        #expect(try await read("/latest/meta-data/public-keys/0/openssh-key").hasPrefix(Self.key))
        #expect(try await read("/latest/user-data") == "#cloud-config\npassword: \(Self.secrets[0])\n")
        #expect(try await read("/latest/meta-data/iam/security-credentials/app").contains(Self.secrets[1]))
        try libvirtd.virsh("destroy", name)
    }

    @Test func `lists are replaced, and values removed`() async throws {
        try define(["web1"])
        func groups(_ guest: [String: Any]) async throws -> (changed: Int, xml: String) {
            let output = try await play(["virt_metadata_guests": [guest.merging(["name": "web1"]) { $1 }]])
            #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
            return (count("changed", in: output), try definition("web1"))
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
        try define(["web1"])
        for (guest, message) in [
            (["name": "wbe1"], "web1"), (["name": "web1", "hostname": "bad_host name!"], "bad_host name!"),
            (["name": "web1", "state": "disabled", "hostname": "a"], "state=disabled takes no hostname"),
            (["name": "web1", "ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]], "private key"),
        ] as [([String: Any], String)] {
            let output = try await play(["virt_metadata_guests": [guest]])
            #expect(output.status == 2)
            #expect(output.stdout.contains(message), "\(output.stdout)")
        }
        let absent: [String: Any] = ["virt_metadata_executable": "/nonexistent", "virt_metadata_guests": [["name": "web1"]]]
        #expect(try await play(absent).stdout.contains("Failed to find required executable"))
    }

    @Test func `the configuration is checked before it is written`() async throws {
        let file = libvirtd.directory + "/config.yaml"
        func configure(_ settings: [String: Any]) async throws -> Command.Output {
            try await play(["virt_metadata_config": settings, "virt_metadata_config_file": file])
        }
        let written = try await configure(["network": ["default"], "log-level": "debug"])
        #expect(written.status == 0, "\(written.stdout)\(written.stderr)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let refused = try await configure(["threads": "many"])
        #expect(refused.status == 2)
        #expect(refused.stdout.contains("many"), "\(refused.stdout)")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        let again = try await configure(["network": ["default"], "log-level": "debug"])
        #expect(again.stdout.contains("changed=0 "), "\(again.stdout)")
    }

    @Test func `ansible-doc reads the module's documentation`() async throws {
        let modules = Self.project + "/ansible/roles/virt_metadata/library"
        let page = try Command.succeed(
            [
                "env", "-i", "HOME=\(libvirtd.directory)/home", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8",
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
