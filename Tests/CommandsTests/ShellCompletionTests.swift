import Foundation
import TestSupport
import Testing

/// Completion as zsh and fish do it, by the scripts that the package has; `CompletionTests` are bash's.
struct ShellCompletionTests {
    /// A command line, the URI in `LIBVIRT_DEFAULT_URI`, and all that is offered at the end of the line.
    private typealias Case = (line: String, uri: String, offers: Set<String>)

    private static let (driver, nonsense) = ("test:///default", "nonsense:")

    private static let cases: [Case] = [
        // Commands, also behind options and `help`.
        ("en", driver, ["enable"]), ("config ", driver, ["check", "show", "template"]), ("help en", driver, ["enable"]),
        ("help config sh", driver, ["show"]), ("-c \(driver) doc", driver, ["doctor"]),
        ("-c \(driver) help en", driver, ["enable"]),
        // Domains, of the hypervisor that the line names.
        ("enable te", driver, ["test"]), ("enable web te", driver, ["test"]), ("doctor te", driver, ["test"]),
        ("requests te", driver, ["test"]), ("set te", driver, ["test"]), ("set --domain te", driver, ["test"]),
        ("set --domain=te", driver, ["test"]), ("doctor -c \(driver) te", nonsense, ["test"]),
        ("doctor --connect=\(driver) te", nonsense, ["test"]), ("-c \(driver) doctor te", nonsense, ["test"]),
        ("--connect=\(driver) doctor te", nonsense, ["test"]), ("doctor te", nonsense, []),
        ("-c \(nonsense) doctor te", driver, []),
        // Files.
        ("enable web --ssh-key f", driver, ["file.yaml"]), ("enable web --user-data=f", driver, ["file.yaml"]),
        ("enable --xml f", driver, ["file.yaml"]), ("serve --neutron-secret f", driver, ["file.yaml"]),
        ("serve --config-file f", driver, ["file.yaml"]), ("convert f", driver, ["file.yaml"]),
        ("check f", driver, ["file.yaml"]), ("emulate f", driver, ["file.yaml"]),
        ("password web --decrypt f", driver, ["file.yaml"]),
        // Options and their values.
        ("enable --no-d", driver, ["--no-diff"]), ("serve --intercept re", driver, ["redirect"]),
        ("enable --identity ", driver, ["openstack", "ec2", "nocloud", "nocloud-net"]),
        ("serve --intercept=re", driver, ["redirect"]), ("list -o ", driver, ["table", "json", "yaml"]),
        ("-c \(driver) config show --log-level w", driver, ["warning"]),
        ("--no-guard -c \(driver) config show --log-level w", driver, ["warning"]),
        ("doctor -c q", driver, ["qemu:///system", "qemu:///session", "qemu+ssh://"]),
    ]

    /// A folder with the program, a file to complete, and what a shell reads.
    private static func desk() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "completion-\(UUID().uuidString)")
        for part in ["bin", "functions", "work"] {
            try FileManager.default.createDirectory(at: folder.appending(path: part), withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/bin/virt-metadata", withDestinationPath: Program.path)
        try "".write(to: folder.appending(path: "work/file.yaml"), atomically: true, encoding: .utf8)
        let lines = cases.map { "\($0.uri)|virt-metadata \($0.line)\n" }.joined()
        try lines.write(to: folder.appending(path: "lines"), atomically: true, encoding: .utf8)
        return folder
    }

    /// Compares what a shell offers, in the order of the cases: after each line that begins with `==`.
    private static func expect(_ offered: String, _ shell: String, _ more: String) {
        let blocks = offered.components(separatedBy: "==\n").dropFirst()
        #expect(blocks.count == cases.count, "\(shell): \(more)")
        for (found, one) in zip(blocks, cases) {
            let words = found.split(separator: "\n").map { word in
                // fish describes an offer, and has the option before the value of --option=value.
                let offer = String(word.prefix { $0 != "\t" })
                return offer.hasPrefix("--") && offer.contains("=") ? String(offer.drop { $0 != "=" }.dropFirst()) : offer
            }
            #expect(Set(words) == one.offers, "\(shell): \(one.line)\n\(more)")
        }
    }

    @Test func `zsh completes commands, domains, files and values`() throws {
        let folder = try Self.desk()
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = try Packaging.completionScript(for: "zsh")
        try FileManager.default.moveItem(atPath: script, toPath: folder.path + "/functions/_virt-metadata")
        // zsh completes only where somebody types: `script` gives it a terminal. What is added is written to a file.
        let setup = #"""
            fpath=(functions $fpath); autoload -Uz compinit; compinit -u -D; cd work; PS1= LISTMAX=1000
            compadd() {
                if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
                    local -a hits; builtin compadd -A hits "$@"; print -rl -- $hits >>../offers
                fi
                builtin compadd "$@"
            }
            zle-line-init() {
                local uri line
                while IFS='|' read -r uri line; do
                    print -- '==' >>../offers; export LIBVIRT_DEFAULT_URI=$uri; BUFFER=$line CURSOR=$#line; zle list-choices
                done <../lines
                exit
            }
            zle -N zle-line-init
            """#
        try setup.write(to: folder.appending(path: ".zshrc"), atomically: true, encoding: .utf8)
        let start = "cd \(folder.path) && PATH=\(folder.path)/bin:$PATH ZDOTDIR=\(folder.path) TERM=xterm"
        let screen = try Command.succeed(
            ["sh", "-c", "\(start) script -qec 'zsh -o no_global_rcs -i' /dev/null </dev/null"], limit: .seconds(120))
        let offers = try String(contentsOf: folder.appending(path: "offers"), encoding: .utf8)
        Self.expect(offers, "zsh", screen)
        // Errors of its functions are on the screen.
        #expect(!screen.contains("_virt-metadata:") && !screen.contains("virt-metadata: "), "\(screen)")
    }

    @Test func `fish completes commands, domains, files and values`() throws {
        let folder = try Self.desk()
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = try Packaging.completionScript(for: "fish")
        defer { try? FileManager.default.removeItem(atPath: script) }
        let commands = """
            source \(script); cd work
            cat ../lines | while read -d '|' -l uri line; echo ==; set -gx LIBVIRT_DEFAULT_URI $uri; complete -C "$line"; end
            """
        let start = "cd \(folder.path) && PATH=\(folder.path)/bin:$PATH HOME=\(folder.path)"
        let run = "\(start) fish --no-config -c '\(commands.replacing("'", with: "'\\''"))'"
        let output = try Command.run(["sh", "-c", run], limit: .seconds(120))
        Self.expect(output.stdout, "fish", output.stderr)
        #expect(output.stderr.isEmpty, "\(output.stderr)")
    }
}
