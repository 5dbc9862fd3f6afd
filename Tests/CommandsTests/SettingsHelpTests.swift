import Foundation
import TestSupport
import Testing

@testable import Commands
@testable import Configuration

/// Which settings the help of each command shows, and that what it shows works.
struct SettingsHelpTests {
    /// The options of settings in a help text.
    private func options(_ help: String) -> Set<String> {
        let shown = help.matches(of: /\n  (?:-. *, )?(?:-c, )?--([a-z-]+)/).map { String($0.1) }
        return Set(shown).intersection(Setting.all.map(\.name) + ["config-file"])
    }

    @Test(arguments: [
        (["enable"], ["connect"]), (["disable"], ["connect"]), (["set"], ["connect"]), (["unset"], ["connect"]),
        (["edit"], ["connect"]), (["password"], ["connect"]), (["check"], ["connect"]),
        (["list"], ["connect", "run-directory", "admin-socket"]), (["doctor"], ["connect", "run-directory", "admin-socket"]),
        (["get"], ["run-directory", "admin-socket"]), (["requests"], ["run-directory", "admin-socket"]),
        (["status"], ["run-directory", "admin-socket"]), (["cleanup"], ["run-directory"]),
        (["identity-certificate"], ["state-directory", "identity-key"]),
        (["tree"], ["connect", "use-persistent-metadata", "state-directory", "identity-key"]),
    ])
    func `the help of a command shows the settings that matter to it`(command: [String], shown: [String]) async throws {
        let help = try await Program.run(more: command + ["--help"])
        #expect(help.status == 0)
        #expect(options(help.stdout) == Set(shown + ["config-file"]))
        let hidden = try await Program.run(more: command + ["--help-hidden"])
        #expect(options(hidden.stdout) == Set(Setting.all.map(\.name) + ["config-file"]))
    }

    @Test(arguments: [["serve"], ["config", "show"], ["config", "check"]])
    func `a help with all settings shows them in their groups`(command: [String]) async throws {
        let help = try await Program.run(more: command + ["--help"]).stdout
        #expect(options(help) == Set(Setting.all.map(\.name) + ["config-file"]))
        let titles = help.matches(of: /\n([A-Z ]+):\n/).map { String($0.1) }
        #expect(titles == Setting.Group.allCases.map { $0.rawValue.uppercased() } + ["OPTIONS"])
        #expect(help.contains("--guard/--no-guard"))
    }

    @Test(arguments: [["-c"], ["--connect"]])
    func `the hypervisor is named by either option`(option: [String]) async throws {
        let output = try await Program.run("list", more: option + ["test:///default"])
        #expect(output.status == 0)
        #expect(output.stdout.contains(#/\ntest +running/#))
    }

    @Test(arguments: ["LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI"])
    func `libvirt's variables name the hypervisor of a command`(variable: String) async throws {
        let output = try await Program.shell("\(variable)=test:///default \"$virt_metadata\" list")
        #expect(output.status == 0)
        #expect(output.stdout.contains(#/\ntest +running/#))
        let weaker = try await Program.shell("\(variable)=nonsense: \"$virt_metadata\" list -c test:///default")
        #expect(weaker.status == 0)
    }

    @Test(arguments: [
        ["serve", "--networks", "a", "--network", "b"], ["serve", "--network=a", "--networks=b"],
        ["--networks", "a", "serve", "--network", "b"], ["list", "--no-edited", "--use-persistent-metadata"],
    ])
    func `an option under both of its names is an error`(arguments: [String]) async throws {
        let output = try await Program.run(more: arguments)
        #expect(output.status == 2)
        #expect(output.stderr.contains(#/virt-metadata: --(networks|edited) is the former name of --.*: give one of them\n/#))
    }

    @Test func `the options before the command count too`() async throws {
        let output = try await Program.run("-c", "test:///default", "list", "--config", "/dev/null", "--sweep-interval", "3m")
        #expect(output.status == 0)
        #expect(output.stdout.contains(#/\ntest +running/#))
    }

    @Test func `the help of a command names libvirt's variables`() async throws {
        let help = try await Program.run("list", "--help").stdout.replacing(#/\s+/#, with: " ")
        #expect(
            help.contains(
                "(default: the setting connect, else $VIRSH_DEFAULT_CONNECT_URI, else $LIBVIRT_DEFAULT_URI, else qemu:///system)")
        )
        let serve = try await Program.run("serve", "--help").stdout
        #expect(!serve.contains("LIBVIRT_DEFAULT_URI"))
    }

    @Test func `serve ignores libvirt's variables`() async throws {
        let output = try await Program.shell(
            "LIBVIRT_DEFAULT_URI=test:///default \"$virt_metadata\" serve --intercept none --config-file /dev/null")
        #expect(output.status == 2)
        #expect(output.stderr.contains("--intercept none: no listen address"))
        let bridged = try await Program.run("serve", "--connect", "test:///default", "--config-file", "/dev/null")
        #expect(bridged.status == 2)
        #expect(bridged.stderr.contains("--connect test:///default: "))
    }

    /// As it is printed, but for the port, the file's folder and the terminal that a person would use.
    @Test func `the example of serve works without a file of the project`() async throws {
        let help = try await Program.run("serve", "--help").stdout
        let rest = try #require(help.components(separatedBy: "from another terminal:\n").last)
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = try TCPSocket.listener().port()
        let example = rest.components(separatedBy: "\n\n")[0].replacing("/tmp/", with: "\(folder.path)/")
            .replacing("8775", with: "\(port)").replacing("virt-metadata serve", with: "\"$virt_metadata\" serve --user root")
        let curl = try #require(example.range(of: "curl"))
        let output = try await Program.shell(
            """
            \(example[..<curl.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)) & server=$!
            until curl -s http://127.0.0.1:\(port)/ >/dev/null; do sleep 0.1; done
            \(example[curl.lowerBound...])
            status=$?; kill $server; wait $server; exit $status
            """)
        #expect(output.status == 0, "\(output.stderr)")
        #expect(output.stdout.contains("instance-id\n") && output.stdout.contains("local-hostname\n"))
    }
}
