import ArgumentParser
import Inventory

/// A value as it is written on the command line: `PATH=VALUE`, or `PATH+=VALUE` for one more beside those that there are.
struct ValueArgument: ExpressibleByArgument {
    /// Where the value goes.
    let path: String
    /// What stands behind the sign.
    let value: String
    /// Whether it stands beside what is there already.
    let adds: Bool

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

    /// The value where it goes.
    ///
    /// - Throws: `CommandFailure` where the path leads nowhere.
    func assignment() throws(CommandFailure) -> InstanceElement.Assignment {
        try .init(path: Self.path(path), value: Array(value.utf8), adds: adds)
    }

    /// The contents of the file where they go.
    ///
    /// - Throws: `CommandFailure` where the path leads nowhere, or the file cannot be had.
    func assignmentOfFile() throws(CommandFailure) -> InstanceElement.Assignment {
        try Self.file(value, to: Self.path(path), adds: adds)
    }

    /// A path that a person wrote.
    static func path(_ text: String) throws(CommandFailure) -> ElementPath {
        do throws(ElementPath.Failure) {
            return try ElementPath(text)
        } catch {
            throw CommandFailure("\(text): \(error)")
        }
    }

    /// What user data may have, in bytes: as much as NoCloud seeds and Nova's own column take with room to spare, and libvirt's
    /// messages and every list of domains still bear.
    static let longestFile = 1 << 20
    /// Beyond this, in bytes, guests of Nova's API were never promised that user data works (`MEDIUMTEXT` of 64 KiB).
    static let longFile = 64 << 10

    /// The contents of a file as a value; a long one is remarked upon.
    static func file(_ name: String, to path: ElementPath, adds: Bool = false) throws(CommandFailure)
        -> InstanceElement.Assignment
    {
        let bytes = try DomainSource.bytes(of: name)
        guard bytes.count <= longestFile else {
            throw CommandFailure(
                "\(name): \(bytes.count) bytes are more than a domain's XML should carry (\(longestFile)); let it be a short "
                    + "script, or an #include of a URL, that fetches the rest")
        }
        if bytes.count > longFile {
            VirtMetadata.complain(
                "virt-metadata: \(name): \(bytes.count) bytes are more than the \(longFile) that clouds promise; it works here, and "
                    + "may not elsewhere")
        }
        return .init(path: path, value: bytes, adds: adds)
    }
}
