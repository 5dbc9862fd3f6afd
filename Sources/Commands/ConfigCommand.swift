import ArgumentParser
import Common
import Configuration
import Glibc
import Inventory

/// `virt-metadata config`: works on the configuration alone.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at the configuration.", subcommands: [Check.self, Template.self])

    /// `virt-metadata config check`: checks whether a server could start with it.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the configuration can be used, and what it changes.",
            discussion: """
                The file, the environment and these flags are read as `virt-metadata serve` would read them. Each setting that is \
                not as it is by default is printed. The exit status is 2 if anything cannot be used.

                EXAMPLES
                    virt-metadata config check
                    virt-metadata config check --config /tmp/new.yaml
                """)

        @OptionGroup var settings: SettingsOptions

        func run() async throws {
            let configuration = try settings.load()
            _ = try configuration.followsBridges()
            var lines = configuration.given.map { "\($0.name): \($0.values.joined(separator: ", "))" }
            if configuration.defaults != .init() { lines.append("defaults: given") }
            lines.append("the configuration can be used")
            try FileDescriptorOutput.write(
                Array((lines.map { $0.cleaned() }.joined(separator: "\n") + "\n").utf8), to: STDOUT_FILENO)
        }
    }

    /// `virt-metadata config template`: prints a file to begin with.
    struct Template: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a configuration file in which every setting is explained and none is set.",
            discussion: """
                EXAMPLES
                    virt-metadata config template > /etc/virt-metadata/config.yaml
                """)

        func run() throws {
            try FileDescriptorOutput.write(Array(Self.text.utf8), to: STDOUT_FILENO)
        }

        /// The file: each setting commented out, with a valid value, and its help above it.
        static var text: String {
            let settings = Setting.all.map { setting in
                lines(setting.help) + "#\(setting.name): \(setting.example)\n"
            }
            return head + settings.joined(separator: "\n") + "\n" + defaults
        }

        private static let head = """
            # The configuration of virt-metadata. Take the '#' from a line to set it; what it then says is not the default.
            # Each setting is a flag of `virt-metadata serve` too, and an environment variable, VIRT_METADATA_CONNECT for 'connect'; flags
            # win over variables, and these over this file. `virt-metadata config check` says whether it can be used; after
            # `systemctl reload virt-metadata` log-level, tokens, hop-limit and defaults count at once, the others after a restart.


            """

        private static let defaults = """
            # What instances say whose operators have left it out, in the words of /usr/share/doc/virt-metadata/metadata.md; below `networks`, for those that are
            # plugged into a libvirt network, or a bridge, of that name.
            #defaults:
            #  domain: cloud.example
            #  project-id: research
            #  placement: {region: eu, availability-zone: eu-1}
            #  public-keys: {admin: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB admin@example}
            #  networks:
            #    default:
            #      placement: {availability-zone: eu-2}

            """

        /// A help text as a comment, in lines that fit a terminal.
        private static func lines(_ text: String) -> String {
            var (lines, line) = ("", "#")
            for word in text.split(separator: " ") {
                if line.count + word.count > 118 {
                    lines += line + "\n"
                    line = "#"
                }
                line += " " + word
            }
            return lines + line + "\n"
        }
    }
}
