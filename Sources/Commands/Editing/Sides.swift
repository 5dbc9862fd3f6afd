import ArgumentParser
import Configuration
import Description
import Libvirt

/// The sides of a domain to change, as virsh's flags of these names select them.
struct Sides: ParsableArguments {
    @Flag(help: "Affect the running domain only; lost at its next start.")
    var live = false

    @Flag(
        name: [.customLong("config"), .customLong("persistent")],
        help: "Affect the persistent definition only; takes effect at the next start.")
    var config = false

    @Flag(
        help: """
            Affect the running domain if it runs, else the definition. Without --live, --config and --current, `set` and `unset` change \
            both.
            """)
    var current = false

    /// The earlier name of `--config`.
    @Flag(help: .hidden)
    var definition = false

    func validate() throws {
        guard !current || !(live || isPersistent) else {
            throw ValidationError("--current contradicts --live and --config: use --current alone")
        }
    }

    private var isPersistent: Bool { config || definition }

    /// The flags, by their names.
    var given: [(name: String, isGiven: Bool)] {
        [("--live", live), ("--config", isPersistent), ("--current", current)]
    }

    /// Whether only the running domain, or only the definition, of a domain is to be changed.
    enum Choice { case both, running, definition }

    /// - Throws: `CommandFailure` where the domain does not have the selected side.
    func choice(for domain: EditableDomain) throws(CommandFailure) -> Choice {
        if live, domain.running == nil { throw CommandFailure("not running: --live needs a running domain") }
        if isPersistent, domain.defined == nil {
            throw CommandFailure("--config needs a persistent definition, which this transient domain does not have")
        }
        if current { return domain.running == nil ? .definition : .running }
        return live == isPersistent ? .both : live ? .running : .definition
    }

    /// An edit for the selected sides.
    func edits(_ edit: DefinitionEdit, of domain: EditableDomain) throws(CommandFailure)
        -> (definition: DefinitionEdit?, running: DefinitionEdit?)
    {
        switch try choice(for: domain) {
        case .both: (edit, edit)
        case .running: (nil, edit)
        case .definition: (edit, nil)
        }
    }
}

/// The sides that `enable` and `disable` change: both, or with `--config` the definition only. virsh's other flags are refused.
struct BothSides: ParsableArguments {
    @Flag(
        name: [.customLong("config"), .customLong("persistent")],
        help: "Change only the persistent definition. A running domain is not changed until its next start.")
    var config = false

    @Flag(help: .hidden) var live = false
    @Flag(help: .hidden) var current = false

    func validate() throws {
        guard live || current else { return }
        throw ValidationError(
            "unknown option --\(live ? "live" : "current"): the running domain and its definition are changed; --config changes the "
                + "definition only, and `virt-metadata set` has --live and --current")
    }
}

/// `--config` of other commands was a file's, and in the commands that change domains it is virsh's flag.
enum ConfigurationFileHint {
    /// Refuses an argument that is meant as a configuration file.
    static func refuse(_ arguments: [String], besideConfig isGiven: Bool) throws {
        guard isGiven, let file = arguments.first(where: isLikelyFile) else { return }
        throw ValidationError(
            "unexpected argument '\(file)': --config selects the persistent definition here; the configuration file is "
                + "--config-file \(file)")
    }

    /// Refuses `--config=FILE`.
    ///
    /// - Parameter arguments: the normalised arguments, in which the command is the first one.
    static func refuse(in arguments: [String]) throws(ConfigurationError) {
        guard let command = arguments.first, ArgumentNormalization.editingCommands.contains(command) else { return }
        for argument in arguments.prefix(while: { $0 != "--" }) {
            let option = CommandLineOption(argument)
            guard option.name == "--config", let file = option.value else { continue }
            throw ConfigurationError(
                problem: "--config takes no value: it selects the persistent definition here; the configuration file is "
                    + "--config-file \(file)")
        }
    }

    private static func isLikelyFile(_ argument: String) -> Bool {
        argument.hasPrefix("/") || argument.hasPrefix("./") || argument.hasSuffix(".yaml") || argument.hasSuffix(".yml")
    }
}
