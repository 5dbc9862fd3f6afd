import ArgumentParser
import Common
import Configuration
import Description

/// A value of the command line: `PATH=VALUE`, or `PATH+=VALUE` to add one to a list.
struct ValueArgument: ExpressibleByArgument {
    let path: String
    /// The text after the sign.
    let value: String
    /// Whether the value is added to the existing ones.
    let adds: Bool

    init(_ path: String, _ value: String) {
        (self.path, self.value, adds) = (path, value, false)
    }

    /// - Returns: `nil` where there is no `=` outside of brackets.
    init?(argument: String) {
        var depth = 0
        guard
            let sign = argument.firstIndex(where: { letter in
                depth += letter == "[" ? 1 : letter == "]" ? -1 : 0
                return letter == "=" && depth == 0
            })
        else { return nil }
        let before = argument[..<sign]
        adds = before.last == "+"
        path = String(adds ? before.dropLast() : before)
        value = String(argument[argument.index(after: sign)...])
    }

    /// - Throws: `CommandFailure` where the path or the value is invalid.
    ///
    /// - Parameter domain: the domain as a word of a command.
    func assignment(of domain: String = anyDomain) throws(CommandFailure) -> InstanceElement.Assignment {
        try Self.assignment(path, value, adds: adds, of: domain)
    }

    /// - Throws: `CommandFailure` where the path or the value is invalid.
    static func assignment(
        _ path: String, _ value: String, adds: Bool = false, of domain: String = anyDomain
    ) throws(CommandFailure) -> InstanceElement.Assignment {
        let parsed = try Self.path(path, assigning: (adds ? "+=" : "=") + (isShort(value) ? value : "VALUE"))
        // Other programs read a file here (curl, aws); the literal text would reach the guest.
        if parsed.mayBeLong, let name = fileName(in: value) {
            let option = "--file \("\(parsed)=\(name)".shellWord)"
            throw CommandFailure("\(path): '\(value)' would be written as it is; to read the file: \(option)")
        }
        return try checked(.init(path: parsed, value: Array(value.utf8), adds: adds), source: path, of: domain)
    }

    /// The domain in the advice of a command that changes several.
    static let anyDomain = "DOMAIN"

    /// The domain in the advice of a command that changes these.
    static func word(for targets: DomainSelection.Targets) -> String {
        if case .domains(let names) = targets, names.count == 1 { names[0].shellWord } else { anyDomain }
    }

    /// Whether a value is repeated in a message.
    private static func isShort(_ value: String) -> Bool {
        value.count <= 40 && !value.contains { $0.isNewline || $0 == "'" }
    }

    /// The file that a value of one line names as other programs' options do.
    private static func fileName(in value: String) -> String? {
        guard !value.contains(where: \.isNewline) else { return nil }
        for prefix in ["@", "file://"] where value.hasPrefix(prefix) && value.count > prefix.count {
            return String(value.dropFirst(prefix.count))
        }
        return nil
    }

    /// The contents of the file as the value; of `-`, the standard input.
    ///
    /// - Throws: `CommandFailure` where the path is invalid, or the file cannot be read or used.
    func assignmentOfFile(of domain: String = anyDomain) throws(CommandFailure) -> InstanceElement.Assignment {
        try Self.file(value, to: Self.path(path, assigning: "=\(value)"), adds: adds, of: domain)
    }

    /// Refuses different values of one path, of which only the last would be written.
    ///
    /// - Parameter files: the values that come from files.
    static func refuseContradictions(in values: [ValueArgument], files: [ValueArgument]) throws {
        var sources: [String: String] = [:]
        for (value, kind) in values.map({ ($0, "value") }) + files.map({ ($0, "file") }) where !value.adds {
            // An invalid path is reported where it is used.
            guard let path = try? ElementPath(value.path) else { continue }
            let source = "\(kind) \(value.value)"
            guard sources.updateValue(source, forKey: path.description) ?? source == source else {
                throw ValidationError("contradicting values for \(value.path): set it once")
            }
        }
    }

    /// - Parameter value: the sign and the value that are to be assigned, if any.
    static func path(_ text: String, assigning value: String = "") throws(CommandFailure) -> ElementPath {
        do throws(ElementPath.Failure) {
            return try ElementPath(text)
        } catch {
            throw CommandFailure("\(text): \(error.sentence(assigning: value))")
        }
    }

    /// The limit of user data, in bytes: more than NoCloud seeds and Nova's own column hold, and still little enough for
    /// libvirt's messages and every list of domains.
    static let longestFile = 1 << 20
    /// Beyond this, in bytes, Nova's API never promised guests that user data works (`MEDIUMTEXT` of 64 KiB).
    static let longFile = 64 << 10

    /// The contents of a file, or of the standard input for `-`, as a value; a long one causes a warning.
    static func file(
        _ name: String, to path: ElementPath, adds: Bool = false, of domain: String = anyDomain
    ) throws(CommandFailure) -> InstanceElement.Assignment {
        let source = name == "-" ? "standard input" : name
        let bytes = try DomainSource.bytes(of: name)
        guard bytes.count <= longestFile else {
            throw CommandFailure(
                "\(source): \(bytes.count) bytes: the limit for a value in a domain's XML is \(longestFile) (1 MiB); use a short script, or an "
                    + "#include of a URL, that fetches the rest")
        }
        if bytes.count > longFile {
            VirtMetadata.printError("virt-metadata: \(source): larger than 64 KiB; some agents truncate or reject it")
        }
        return try checked(.init(path: path, value: bytes, adds: adds), source: source, of: domain)
    }

    /// Refuses an empty value, and a public key that no guest can use.
    private static func checked(
        _ assignment: InstanceElement.Assignment, source: String, of domain: String
    ) throws(CommandFailure) -> InstanceElement.Assignment {
        let path = assignment.path
        guard !assignment.value.isEmpty || mayBeEmpty(path) else {
            throw CommandFailure("\(source): empty value; to remove it: virt-metadata unset \(domain) '\(path)'")
        }
        guard path.firstName == "public-keys" else { return assignment }
        let keys = try PublicKeyFile(assignment.value, path: source).keys
        guard let only = keys.first, keys.count == 1 else {
            throw CommandFailure("\(source): \(keys.count) public keys: expected one for \(path)")
        }
        return .init(path: path, value: Array(only.key.utf8), adds: assignment.adds)
    }

    /// Files and tags may be empty.
    private static func mayBeEmpty(_ path: ElementPath) -> Bool { ["file", "tag"].contains(path.lastName) }
}

/// The files of options; only one of them can be the standard input.
enum StandardInput {
    /// - Parameter files: the files that are to be read.
    static func check(_ files: [String]) throws {
        guard !files.contains("") else { throw ValidationError("empty file name: expected a file, or - for the standard input") }
        guard files.count(where: { $0 == "-" }) > 1 else { return }
        throw ValidationError("the standard input can be read only once: use - for one file")
    }
}
