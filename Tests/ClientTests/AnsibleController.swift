import Foundation
import TestSupport
import Testing

/// ansible-playbook with the role of `ansible/`, on the host of a libvirtd with the test driver.
struct AnsibleController {
    static let project = URL(filePath: #filePath).appending(path: "../../..").standardized.path
    static let isInstalled = PrivateLibvirtd.obstacle() == nil && Clients.has("ansible-controller")
    static let need: Comment = "needs root, libvirtd, and ansible-core: run Tests/clients/install-ec2-clients.sh"
    /// What must be in no output, and in no argument of a process.
    static let secrets = ["correct-horse-battery", "very-secret-access-key"]

    let libvirtd: PrivateLibvirtd
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

    func define(_ names: [String]) throws {
        for name in names {
            let xml = """
                <domain type='test'><name>\(name)</name><memory>65536</memory><os><type>hvm</type></os><devices/></domain>
                """
            try libvirtd.virsh("define", libvirtd.file("\(name).xml", xml))
        }
    }

    func definition(_ name: String) throws -> String { try libvirtd.virsh("dumpxml", "--inactive", name) }

    /// Runs the role with these variables, which are JSON, and returns ansible-playbook's output.
    func play(_ variables: [String: Any], _ options: String...) async throws -> Command.Output {
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
    func count(_ result: String, in output: Command.Output) -> Int {
        output.stdout.split(separator: "\n").count { $0.hasPrefix("\(result): [kvm] => (item=") }
    }

    func commands() throws -> String { try String(contentsOfFile: libvirtd.directory + "/commands", encoding: .utf8) }
}
