import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import Commands
@testable import Configuration

/// The manual pages, as man(1) shows them.
struct ManualTests {
    private static let script = URL(filePath: #filePath).appending(path: "../../../packaging/manual.py").standardized.path

    /// A page in long lines.
    private func page(_ name: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Command.succeed(["python3", Self.script, Program.path, folder.path], limit: .seconds(120))
        let shown = try Command.run(
            ["env", "MANWIDTH=2000", "LC_ALL=C.UTF-8", "man", "--warnings", "--nh", "--nj", "-l", "\(folder.path)/\(name)"])
        #expect(shown.status == 0 && shown.stderr.isEmpty, "\(shown.stderr)")
        return shown.stdout.replacing(/.\u{8}/, with: "")
    }

    @Test func `the page of the program has the sections that an administrator looks for`() throws {
        let text = try page("virt-metadata.8")
        for section in [
            "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "OPTIONS OF SERVE", "EXIT STATUS", "ENVIRONMENT", "FILES",
            "SEE ALSO",
        ] {
            #expect(text.contains("\n\(section)\n"), "\(section)")
        }
        for command in VirtMetadata.configuration.subcommands where command != ConfigCommand.self {
            #expect(text.contains("\n   virt-metadata \(command._commandName)\n"), "\(command._commandName)")
        }
        for command in ["check", "show", "template"] { #expect(text.contains("\n   virt-metadata config \(command)\n")) }
        for name in ["LIBVIRT_DEFAULT_URI", "VIRT_METADATA_CONFIG_FILE", Configuration.defaultFile, "-c, --connect uri"] {
            #expect(text.contains(name), "\(name)")
        }
        #expect(text.contains("--[no-]guard\n"))
        #expect(!text.contains("--no-guard\n"))
    }

    @Test(arguments: ["virt-metadata.8", "virt-metadata.yaml.5"])
    func `both pages have each setting with its range and default`(name: String) throws {
        let text = try page(name)
        for setting in Setting.all {
            guard name.hasSuffix(".5") else {
                #expect(text.contains(setting.help), "\(setting.name)")
                continue
            }
            #expect(text.contains(setting.help.replacing("--", with: "")), "\(setting.name)")
            #expect(text.contains("\n       \(setting.name): \(setting.valueName)\n"), "\(setting.name)")
        }
        for group in Setting.Group.allCases { #expect(text.contains("\n   \(group.rawValue)\n")) }
        guard name.hasSuffix(".5") else { return }
        for key in ["profiles", "defaults"] { #expect(text.contains("\n       \(key)\n"), "\(key)") }
        #expect(text.contains("A reload of the service applies log-level, session-tokens, hop-limit, defaults and profiles;"))
    }

    @Test func `examples keep their lines`() throws {
        let text = try page("virt-metadata.8")
        #expect(text.contains(" virt-metadata serve --connect test:///default \\\n"))
    }
}
