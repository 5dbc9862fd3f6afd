import ArgumentParser
import Configuration
import Inventory

/// A value of the command line: `PATH=VALUE`, or `PATH+=VALUE` to add one to a list.
struct ValueArgument: ExpressibleByArgument {
    let path: String
    /// The text after the sign.
    let value: String
    /// Whether the value is added to the existing ones.
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

    /// - Throws: `CommandFailure` where the path is invalid.
    func assignment() throws(CommandFailure) -> InstanceElement.Assignment {
        try .init(path: Self.path(path), value: Array(value.utf8), adds: adds)
    }

    /// The contents of the file as the value.
    ///
    /// - Throws: `CommandFailure` where the path is invalid, or the file cannot be read.
    func assignmentOfFile() throws(CommandFailure) -> InstanceElement.Assignment {
        try Self.file(value, to: Self.path(path), adds: adds)
    }

    static func path(_ text: String) throws(CommandFailure) -> ElementPath {
        do throws(ElementPath.Failure) {
            return try ElementPath(text)
        } catch {
            throw CommandFailure("\(text): \(error)")
        }
    }

    /// The limit of user data, in bytes: more than NoCloud seeds and Nova's own column hold, and still little enough for
    /// libvirt's messages and every list of domains.
    static let longestFile = 1 << 20
    /// Beyond this, in bytes, Nova's API never promised guests that user data works (`MEDIUMTEXT` of 64 KiB).
    static let longFile = 64 << 10

    /// The contents of a file as a value; a long one causes a warning.
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
            VirtMetadata.printError(
                "virt-metadata: \(name): \(bytes.count) bytes are more than the \(longFile) that clouds promise; it works here, and "
                    + "may not elsewhere")
        }
        return .init(path: path, value: bytes, adds: adds)
    }
}
