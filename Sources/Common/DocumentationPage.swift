import FoundationEssentials

/// Where the documentation is installed: `/usr/share/doc/virt-metadata` by the Debian package, below another prefix by the archive.
package enum DocumentationPage {
    /// The path of a page, such as `metadata.md`.
    package static func path(_ name: String) -> String { "\(prefix)/share/doc/virt-metadata/docs/\(name)" }

    private static let prefix = prefix(
        ofProgram: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "")

    /// The prefix of a program in `PREFIX/bin` that has its documentation beside it; `/usr` for all others.
    static func prefix(ofProgram path: String) -> String {
        let (program, usual) = ("/bin/virt-metadata", "/usr")
        guard path.hasSuffix(program) else { return usual }
        let prefix = path.dropLast(program.count)
        return FileManager.default.fileExists(atPath: "\(prefix)/share/doc/virt-metadata/docs") ? String(prefix) : usual
    }
}
