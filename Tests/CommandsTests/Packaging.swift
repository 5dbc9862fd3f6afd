import Foundation
import TestSupport
import Testing

/// What the tests of packages share.
enum Packaging {
    /// The folder with the scripts that build packages.
    static let folder = URL(filePath: #filePath).appending(path: "../../../packaging").standardized.path

    static func temporaryFolder() -> URL {
        FileManager.default.temporaryDirectory.appending(path: "package-\(UUID().uuidString.prefix(8))")
    }

    /// Builds a package of the program beside these tests, and returns its path.
    ///
    /// - Parameters:
    ///   - kind: `deb` or `tarball`.
    ///   - program: another one, for instance of another architecture.
    ///   - variables: the script's environment.
    static func build(
        _ kind: String, of program: String = Program.path, in folder: URL, _ variables: String...
    ) throws -> String {
        let script = Self.folder + "/build-" + kind
        return try Command.succeed(["env"] + variables + [script, program, folder.path], limit: .seconds(180))
            .trimmingCharacters(in: .newlines)
    }

    /// Writes the completion script of the program for a shell into a file, and returns its path.
    static func completionScript(for shell: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "completion-\(UUID().uuidString)").path
        try Command.succeed([folder + "/completion", Program.path, shell], limit: .seconds(120))
            .write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Checks that operators' pages are in a folder, that their links can be followed, and that the examples are there.
    static func expectDocumentation(in folder: String) throws {
        for path in [
            "README.md", "SECURITY.md", "CHANGELOG.md", "docs/install.md", "docs/metadata.md", "docs/recipes/ansible.md",
            "examples/config.yaml", "examples/prometheus/virt-metadata.yml", "examples/grafana/virt-metadata.json",
            "examples/ansible/roles/virt_metadata/library/virt_metadata.py",
        ] {
            #expect(FileManager.default.fileExists(atPath: "\(folder)/\(path)"), "\(path)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/docs/dev"))
        let pages = try Command.succeed(["find", folder, "-name", "*.md"]).split(separator: "\n")
        for page in pages {
            let text = try String(contentsOfFile: String(page), encoding: .utf8)
            for link in text.matches(of: #/\]\(([^)#:]+)(#[^)]*)?\)/#) {
                let target = URL(filePath: String(page)).deletingLastPathComponent().appending(path: String(link.1)).standardized
                #expect(FileManager.default.fileExists(atPath: target.path), "\(page): \(link.1)")
            }
        }
    }

    /// Writes a copy of the program whose header says that it is for another architecture, and returns that one's name.
    static func forgeOtherArchitecture(at file: URL) throws -> String {
        var program = try Data(contentsOf: URL(filePath: Program.path))
        // elf(5): e_machine.
        let isAMD64 = program[18] == 62
        program[18] = isAMD64 ? 183 : 62
        try program.write(to: file)
        return isAMD64 ? "arm64" : "amd64"
    }
}
