import Common
import Description
import Foundation
import TestSupport
import Testing

@testable import Commands
@testable import Configuration

/// The Debian package, built from the program beside these tests, and checked by Debian's own tools. The lab shows its
/// installation.
@Suite(.enabled(if: geteuid() == 0, "needs root, as dpkg's tools do here")) struct PackageTests {
    private static let packaging = Packaging.folder

    /// The package, unpacked.
    private final class Package {
        let folder = Packaging.temporaryFolder()
        let file: String
        var root: String { folder.path + "/root" }

        init() throws {
            // The debug build is large: compressing it well takes a minute.
            file = try Packaging.build("deb", in: folder, "COMPRESSION=gzip")
            try Command.succeed(["dpkg-deb", "-x", file, root])
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func `the package is complete, and Debian's tools find no fault`() throws {
        let package = try Package()
        let control = try Command.succeed(["dpkg-deb", "-f", package.file])
        #expect(control.contains("\nVersion: \(Version.current)"))
        for library in ["libvirt0", "libxml2", "libjansson4", "libnftables1", "libssl3", "adduser"] {
            #expect(control.contains(library), "\(library)")
        }
        for path in [
            "/usr/bin/virt-metadata", "/lib/systemd/system/virt-metadata.service", "/etc/virt-metadata/config.yaml",
            "/usr/share/man/man8/virt-metadata.8.gz", "/usr/share/man/man5/virt-metadata.yaml.5.gz",
            "/usr/share/bash-completion/completions/virt-metadata", "/usr/share/zsh/vendor-completions/_virt-metadata",
            "/usr/share/fish/vendor_completions.d/virt-metadata.fish",
        ] {
            #expect(FileManager.default.fileExists(atPath: package.root + path), "\(path)")
        }
        #expect(!FileManager.default.fileExists(atPath: package.root + "/etc/libvirt"))
        // Only the debug build has a path to the toolchain's libraries.
        let lint = try Command.run(
            ["lintian", "--fail-on", "error,warning", "--suppress-tags", "custom-library-search-path", package.file],
            limit: .seconds(120))
        #expect(lint.status == 0, "\(lint.stdout)\(lint.stderr)")
        try expectHelp(in: package)
        try Packaging.expectDocumentation(in: package.root + "/usr/share/doc/virt-metadata")
        try expectChangelog(of: package)
    }

    private func expectChangelog(of package: Package) throws {
        let text = try Command.succeed(["gzip", "-dc", package.root + "/usr/share/doc/virt-metadata/changelog.gz"])
        let parsed = try Command.succeed(["dpkg-parsechangelog", "--all", "-l", "-"], input: text)
        let version = try Command.succeed(["dpkg-deb", "-f", package.file, "Version"])
        #expect(parsed.contains("\nVersion: \(version)"), "\(parsed)")
        let time = try #require(parsed.firstMatch(of: /Timestamp: (\d+)/).flatMap { Int($0.1) })
        // The project began in November 2026.
        #expect(time > 1_793_000_000)
    }

    /// Manual pages and completions can be read, and contain every command and setting.
    private func expectHelp(in package: Package) throws {
        for page in ["man8/virt-metadata.8.gz", "man5/virt-metadata.yaml.5.gz"] {
            let shown = try Command.run(["man", "--warnings", "-l", "\(package.root)/usr/share/man/\(page)"])
            #expect(shown.status == 0 && shown.stderr.isEmpty, "\(shown.stderr)")
            let text = shown.stdout.replacing(/.\u{8}/, with: "")
            if page.contains("yaml") {
                for setting in Setting.all { #expect(text.contains(setting.name), "\(setting.name)") }
            } else {
                for command in ["enable", "doctor", "config check", "serve"] {
                    #expect(text.contains("virt-metadata \(command)"), "\(command)")
                }
            }
        }
        try Command.succeed(["bash", "-n", package.root + "/usr/share/bash-completion/completions/virt-metadata"])
        let complete =
            "source \(package.root)/usr/share/bash-completion/completions/virt-metadata; COMP_WORDS=(virt-metadata doc); COMP_CWORD=1; COMP_LINE='virt-metadata doc'; COMP_POINT=17; _virt-metadata virt-metadata doc virt-metadata; echo ${COMPREPLY[@]}"
        #expect(try Command.run(["bash", "-c", complete]).stdout.contains("doctor"))
    }

    @Test func `the unit has its documented sandboxing`() throws {
        let unit = Self.packaging + "/virt-metadata.service"
        let verified = try Command.run(["systemd-analyze", "verify", "--man=no", unit])
        // Where the package is not installed its program does not exist, which is the only allowed complaint.
        let complaints = verified.stderr.split(separator: "\n").filter {
            $0.contains("virt-metadata") && !$0.contains("/usr/bin/virt-metadata is not executable")
        }
        #expect(complaints.isEmpty, "\(complaints)")
        // Not part of the score: other users see no names, and no core dump keeps guests' secrets.
        let lines = try String(contentsOfFile: unit, encoding: .utf8).split(separator: "\n")
        for setting in [
            "UMask=0077", "LimitCORE=0", "RuntimeDirectoryMode=0700", "StateDirectoryMode=0700", "RestartPreventExitStatus=2",
        ] {
            #expect(lines.contains(Substring(setting)), "\(setting)")
        }
        let security = try Command.succeed(["systemd-analyze", "security", "--offline=true", unit])
        let score = try #require(security.firstMatch(of: /Overall exposure level for virt-metadata.service: (\d+\.\d+)/)?.1)
        #expect(Double(score).map { $0 <= 2.0 } == true, "\(score)")
    }
}
