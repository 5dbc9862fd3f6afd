import Foundation
import TestSupport
import Testing

/// Every command line of the documentation and the help texts that runs virt-metadata, as an operator would paste it.
///
/// A shell runs it with a PATH of a few harmless programs: `virt-metadata` itself, `sudo` that runs its arguments, and others that only say that they
/// were called. The domains are libvirt's test driver's, and a server runs, so that `get` and `requests` have an answer.
@Suite(.serialized) struct DocumentedCommandsTests {
    private struct Line {
        let text: String
        let source: String
    }

    private static let root = URL(filePath: Program.fixtures).deletingLastPathComponent()

    private static let commands = [
        "enable", "disable", "set", "unset", "edit", "list", "status", "doctor", "get", "requests", "tree", "check", "password",
        "serve",
        "emulate", "crawl", "compare", "conformance", "config check", "config show", "config template", "identity-certificate",
        "convert", "cleanup",
    ]

    // MARK: Collecting

    /// The lines of the pages' shell blocks.
    private static func pages() throws -> [Line] {
        let docs = root.appending(path: "docs")
        let pages = try FileManager.default.subpathsOfDirectory(atPath: docs.path).filter { $0.hasSuffix(".md") }.sorted()
            .map { docs.appending(path: $0) }
        return try ([root.appending(path: "README.md")] + pages).flatMap { page in
            let blocks = try String(contentsOf: page, encoding: .utf8).matches(of: /(?ms)^```sh\n(.*?)^```/)
            return blocks.flatMap { lines(of: String($0.1), in: page.lastPathComponent) }
        }
    }

    /// The examples of all help texts.
    private static func helps() async throws -> [Line] {
        var found: [Line] = []
        for command in commands {
            let help = try await Program.run(more: command.split(separator: " ").map(String.init) + ["--help"])
            let examples = help.stdout.components(separatedBy: "EXAMPLES").last ?? ""
            let before = examples.components(separatedBy: "\nUSAGE").first ?? ""
            found += lines(of: before, in: "\(command) --help")
        }
        return found
    }

    private static func lines(of text: String, in source: String) -> [Line] {
        // A loop is one command.
        let joined = text.replacing(/\\\n\s*/, with: "").replacing(/(?ms)^\s*for [^\n]*do$.*?^\s*done[^\n]*/) { loop in
            String(loop.0).replacing("do\n", with: "do ").replacing(/\n\s*/, with: "; ")
        }
        return joined.split(separator: "\n").map { $0.replacing(/(^|\s)#\s.*/, with: "").trimmingCharacters(in: .whitespaces) }
            .filter { $0.contains(#/(^|[|;&(]\s*|sudo )virt-metadata /#) && !$0.hasPrefix("#") }
            .map { Line(text: $0, source: source) }
    }

    // MARK: Running

    /// A directory with all that the lines name, and a running server.
    private final class Desk {
        let folder = FileManager.default.temporaryDirectory.appending(path: "desk-\(UUID().uuidString)")
        let server: ServerProcess

        private static let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB admin@example\n"

        init() async throws {
            for part in ["bin", ".ssh", "etc", "run", "idle"] {
                try FileManager.default.createDirectory(at: folder.appending(path: part), withIntermediateDirectories: true)
            }
            let domains = ["web", "web1", "web2", "web3"].enumerated().map { Self.domain($1, $0 + 1) }
            let node = folder.appending(path: "node.xml")
            try "<node>\(domains.joined())</node>".write(to: node, atomically: true, encoding: .utf8)
            let state = folder.appending(path: "state").path
            server = try await ServerProcess(
                "--intercept", "none", "--admin-socket", folder.appending(path: "admin.sock").path, "--state-directory", state,
                "--run-directory", folder.appending(path: "run").path, node: "test://\(node.path)")
            try writeFiles()
            try writePrograms(node: "test://\(node.path)", state: state)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        private static func domain(_ name: String, _ number: Int) -> String {
            """
            <domain type='test'><name>\(name)</name><uuid>6f0d1c7e-0000-4000-8000-00000000000\(number)</uuid><memory>65536</memory>
            <os><type>hvm</type></os><metadata><instance xmlns='urn:virt-metadata:instance:1'><hostname>\(name)</hostname>
            <userdata>#cloud-config</userdata><placement><region>eu</region></placement><tags><tag name='env'>test</tag></tags></instance></metadata><devices><interface type='network'>
            <mac address='52:54:00:0e:00:0\(number)'/><source network='default'/></interface></devices></domain>

            """
        }

        private func write(_ name: String, _ text: String) throws {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }

        /// The files that lines read; some write them too.
        private func writeFiles() throws {
            for name in ["web.xml", "in.xml"] { try write(name, Self.domain("web", 1)) }
            try write("db.xml", Self.domain("db", 2))
            for name in ["web.yaml", "user-data", "motd"] { try write(name, "#cloud-config\npackages: [htop]\n") }
            for name in [".ssh/id_ed25519.pub", ".ssh/authorized_keys", "key.pub"] { try write(name, Self.key) }
            let network = "version: 2\nethernets: {lan: {match: {macaddress: \"52:54:00:0e:00:01\"}, dhcp4: true}}\n"
            try write("net.yaml", network)
            try write("network.xml", "<network><name>default</name><bridge name='virbr0'/></network>")
            for name in ["new.yaml", "etc/config.yaml"] { try write(name, "threads: 2\nprofiles: {web: {owner-id: shop}}\n") }
            try write("neighbours", "192.0.2.1 0x1 0x2 aa:bb:cc:dd:ee:ff * lo\n")
            // The server takes no secret that others may read.
            let secret = "etc/neutron.secret"
            try write(secret, String(repeating: "s", count: 64))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.appending(path: secret).path)
        }

        private func writePrograms(node: String, state: String) throws {
            // Other hosts are played by the same driver; `serve` does not end, and `config check` reads the same settings.
            let program = """
                for argument; do
                  shift
                  case $argument in qemu*) argument=\(node) ;; /etc/virt-metadata/*) argument=\(folder.path)/etc/${argument##*/} ;; esac
                  set -- "$@" "$argument"
                done
                limit=90
                case $1 in
                  serve) shift; set -- config check "$@" ;;
                  crawl|compare|conformance) limit=200; set -- emulate --quiet -- "$PROGRAM" "$@" ;;
                esac
                case $1 in
                  config) unset VIRT_METADATA_CONNECT ;;
                  requests) case "$*" in *-f*) limit=2 ;; esac ;;
                  emulate) [ "$limit" = 200 ] || limit=2 ;;
                  cleanup) export VIRT_METADATA_RUN_DIRECTORY=\(folder.path)/idle ;;
                esac
                "$TIMEOUT" -k 1 $limit "$PROGRAM" "$@"
                status=$?
                [ "$limit" != 2 ] || [ $status != 124 ] || status=0
                echo "$status $*" >>"$REPORT"
                exit $status
                """
            var programs = [
                "virt-metadata": program, "sudo": "exec \"$@\"", "virt-install": "exec \"$CAT\" in.xml",
                "unshare": "exec /usr/bin/unshare \"$@\"", "true": "exit 0", "sh": "exec /bin/sh \"$@\"",
                "virsh": "case \"$*\" in */dev/stdin*) exec \"$CAT\" ;; esac; exec \"$CAT\" in.xml",
            ]
            for name in ["ssh", "ssh-keygen", "curl", "apt", "apt-get", "systemctl", "openssl", "terraform", "make"] {
                programs[name] = "exit 0"
            }
            for (name, text) in programs {
                let file = folder.appending(path: "bin/\(name)")
                try "#!/bin/sh\n\(text)\n".write(to: file, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            }
            try write(
                "environment",
                """
                cd \(folder.path) && HOME=\(folder.path) PATH=\(folder.path)/bin EDITOR=: PROGRAM=$virt_metadata CAT=/bin/cat
                TIMEOUT=/usr/bin/timeout REPORT=\(folder.path)/report VIRT_METADATA_CONNECT=\(node)
                VIRT_METADATA_ADMIN_SOCKET=\(folder.path)/admin.sock VIRT_METADATA_STATE_DIRECTORY=\(state)
                export HOME PATH EDITOR PROGRAM CAT TIMEOUT REPORT VIRT_METADATA_CONNECT VIRT_METADATA_ADMIN_SOCKET
                VIRT_METADATA_CONFIG_FILE=\(folder.path)/etc/config.yaml
                export VIRT_METADATA_STATE_DIRECTORY VIRT_METADATA_CONFIG_FILE
                cat() { /bin/cat "$@"; }

                """)
        }

        /// Runs a line, and gives what each run of virt-metadata in it was, its status first, and what was said.
        func run(_ line: String) async throws -> (runs: [String], output: Command.Output) {
            let report = folder.appending(path: "report")
            try? FileManager.default.removeItem(at: report)
            try writeFiles()
            try write("line", line.replacing("/tmp/", with: folder.path + "/") + "\n")
            let output = try await Program.shell(". \(folder.path)/environment; . ./line", limit: .seconds(240))
            let runs = (try? String(contentsOf: report, encoding: .utf8))?.split(separator: "\n").map(String.init) ?? []
            return (runs, output)
        }
    }

    /// The statuses besides 0 that a line may end with on a host like this: `doctor` finds no service here, and no guest has left a password.
    private static func isExpected(_ run: String) -> Bool {
        if run.hasPrefix("0 ") { return true }
        if run.contains(" doctor") { return run.hasPrefix("1 ") || run.hasPrefix("3 ") || run.hasPrefix("2 doctor --nagios") }
        // Two different sources have differences.
        if run.contains(" compare ") { return run.hasPrefix("1 ") }
        return run.hasPrefix("1 password")
    }

    @Test func `each documented command line runs as it is printed`() async throws {
        let lines = try await Self.pages() + Self.helps()
        #expect(lines.count > 60)
        let desk = try await Desk()
        for line in lines where !line.text.contains("…") {
            let text = line.text.replacing("DOMAIN", with: "web").replacing("NAME", with: "web")
            let (runs, output) = try await desk.run(text)
            #expect(!runs.isEmpty, "\(line.source): virt-metadata was not run: \(line.text)\n\(output.stderr)")
            for run in runs {
                #expect(Self.isExpected(run), "\(line.source): \(line.text)\nstatus \(run)\n\(output.stdout)\(output.stderr)")
            }
        }
    }
}
