import ArgumentParser
import Configuration
import Glibc

/// `virt-metadata config template`: prints a file to begin with.
struct ConfigTemplate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template",
        abstract: "Print a configuration file that shows every setting and its default.",
        discussion: """
            The settings are commented out: the file changes nothing until a line is uncommented and edited.

            EXAMPLES
                virt-metadata config template > config.yaml
            """)

    func run() throws {
        try FileDescriptorOutput.write(Array(Self.text.utf8), to: STDOUT_FILENO)
    }

    /// The file: each setting with its default commented out, and its help above it.
    static var text: String {
        let groups = Setting.Group.allCases.map { group in
            let settings = Setting.all.filter { $0.group == group }.map(lines)
            return "## \(group.rawValue)\n\n" + settings.joined(separator: "\n")
        }
        return head + groups.joined(separator: "\n") + "\n" + profiles + defaults
    }

    private static let head = """
        # Configuration of virt-metadata.
        #
        # Commented lines that begin with '#' and a setting show the defaults. Uncomment and edit a line to change a
        # setting; uncommenting alone changes nothing.
        #
        # Each setting is also an option of `virt-metadata serve` and an environment variable: VIRT_METADATA_LOG_LEVEL for
        # log-level. Precedence: options > environment > this file.
        #
        # Durations are a number with a unit: ms, s, m, h or d. Lists are [a, b] or "a, b".
        #
        #   virt-metadata config check          validates this file
        #   virt-metadata config show --all     prints the effective values
        #   systemctl reload virt-metadata      applies log-level, session-tokens, hop-limit, defaults, profiles
        #   systemctl restart virt-metadata     applies all settings


        """

    private static let profiles = """
        ## Profiles: values for instances that name a profile

        # A profile has values for each instance with <profile>NAME</profile>. The instance's own values win over its profiles,
        # a later profile over an earlier one, and profiles over defaults. Defaults, networks and other profiles can build on a
        # profile with 'profile: NAME': their own values then win over those of that profile. With 'merge: add', the lists of a profile (keys, tags, groups, files, userdata) add to
        # weaker lists instead of replacing them.
        # Default: none. Example:
        #
        #   profiles:
        #     base:
        #       public-keys: {ops: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB ops@example}
        #       tags: {env: production}
        #     web:
        #       profile: base
        #       merge: add
        #       tags: {role: web}
        #       security-groups: [http, https]


        """

    private static let defaults = """
        ## Defaults: values for all instances

        # Each value here is used for every instance that does not set its own: elements of <instance> as YAML, 'domain' for
        # host names without a dot, and 'networks' for instances on a libvirt network or bridge of that name.
        # Default: none. Example:
        #
        #   defaults:
        #     domain: cloud.example
        #     project-id: research
        #     placement: {region: eu, availability-zone: eu-1}
        #     public-keys: {admin: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB admin@example}
        #     networks:
        #       default:
        #         placement: {availability-zone: eu-2}

        """

    /// A setting's lines. Where no value means the default, the example is text, so that uncommenting does not set it.
    private static func lines(_ setting: Setting) -> String {
        // Here settings are keys and not options.
        let explanation = setting.explanation.replacing(#/--([a-z-]+)/#) { "'\($0.1)'" }
        guard let values = Configuration().values(of: setting) else {
            return comment(explanation) + comment("Default: \(setting.defaultText).")
                + comment("Example: `\(setting.name): \(setting.example)`")
        }
        let meaning = values.isEmpty && setting.defaultText != "none" ? comment("Default: \(setting.defaultText).") : ""
        let text = setting.isList ? "[\(values.joined(separator: ", "))]" : values.joined()
        return comment(explanation) + meaning + "#\(setting.name): \(text)\n"
    }

    /// A text as comments that fit a terminal.
    private static func comment(_ text: String) -> String {
        var (lines, line) = ("", "#")
        for word in text.split(separator: " ") {
            if line.count + word.count > 99 {
                lines += line + "\n"
                line = "#"
            }
            line += " " + word
        }
        return lines + line + "\n"
    }
}
