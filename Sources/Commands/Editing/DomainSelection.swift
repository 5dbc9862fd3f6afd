import ArgumentParser
import Configuration

/// Which domains a command changes, or which file.
struct DomainSelection: ParsableArguments {
    @Flag(help: "Change all domains; asks first, unless -y or --dry-run is given.")
    var all = false

    @Flag(name: [.customShort("y"), .long], help: "Do not ask for confirmation.")
    var yes = false

    @Flag(
        help: ArgumentHelp(
            "Read domain XML from a file or the standard input, and print it changed to the standard output; libvirt is not called."
        ))
    var xml = false

    /// What is changed.
    enum Targets {
        case domains([String])
        case all
        /// The domain XML in a file, or `-`.
        case file(String)
    }

    /// - Parameter names: domains, or with `--xml` a file.
    func targets(_ names: [String]) throws -> Targets {
        if xml {
            if all { throw ValidationError("--xml changes one file: leave out --all") }
            if names.count > 1 { throw ValidationError("--xml reads one file: unexpected argument '\(names[1])'") }
            return .file(names.first ?? "-")
        }
        if all {
            guard names.isEmpty else { throw Self.contradiction(names[0]) }
            return .all
        }
        guard !names.isEmpty else {
            throw ValidationError("missing domain: expected a domain's name, UUID or ID, --all or --xml")
        }
        return .domains(names)
    }

    private static func contradiction(_ name: String) -> ValidationError {
        ValidationError("--all contradicts '\(name)': name domains, or use --all")
    }

    /// Splits arguments into domains and the values or paths that follow them; all are values if the domains are given by options.
    ///
    /// - Parameters:
    ///   - named: the domains of `--domain`.
    ///   - canBeDomain: whether the first argument can be a domain, also where it has the name of an element.
    ///   - isValue: whether an argument is rather a value than a domain.
    func split(
        _ arguments: [String], named: [String], canBeDomain: (String) -> Bool, isValue: (String) -> Bool
    ) throws -> (targets: Targets, values: [String]) {
        if !named.isEmpty || all {
            guard named.isEmpty || !xml else { throw ValidationError("--xml changes one file: leave out --domain") }
            if all, let first = arguments.first, canBeDomain(first), !isValue(first), arguments.contains(where: isValue) {
                throw Self.contradiction(first)
            }
            return (try targets(named), arguments)
        }
        let first = !xml && arguments.first.map(canBeDomain) == true ? 1 : 0
        let end = arguments[first...].firstIndex(where: isValue) ?? arguments.count
        return (try targets(Array(arguments[..<end])), Array(arguments[end...]))
    }
}
