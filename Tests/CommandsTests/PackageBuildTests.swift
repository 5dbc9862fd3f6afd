import Foundation
import TestSupport
import Testing

/// How packages are built: the same bytes each time, for the architecture of the program, with the project's changelog.
@Suite(.enabled(if: geteuid() == 0, "needs root, as dpkg's tools do here")) struct PackageBuildTests {
    @Test(arguments: ["deb", "tarball"])
    func `two builds of one program are the same bytes`(kind: String) async throws {
        let folder = Packaging.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var sums: Set<Substring> = []
        for number in 1...2 {
            // The second is built at another second of the clock, by another umask.
            let script = Packaging.folder + "/build-" + kind
            let file = try Command.succeed(
                [
                    "sh", "-c", "umask 0\(number == 1 ? "02" : "77"); exec \"$@\"", "sh", "env", "COMPRESSION=none",
                    "SOURCE_DATE_EPOCH=1795982726", script, Program.path, "\(folder.path)/\(number)",
                ], limit: .seconds(180)
            ).trimmingCharacters(in: .newlines)
            try sums.insert(#require(try Command.succeed(["sha256sum", file], limit: .seconds(60)).split(separator: " ").first))
            try await Task.sleep(for: .seconds(1.1))
        }
        #expect(sums.count == 1)
    }

    @Test func `a package is for the architecture of the program in it`() throws {
        let folder = Packaging.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = folder.appending(path: "other")
        let architecture = try Packaging.forgeOtherArchitecture(at: program)
        let native = "NATIVE=" + Program.path
        let package = try Packaging.build("deb", of: program.path, in: folder, native, "COMPRESSION=none")
        #expect(package.hasSuffix("_\(architecture).deb"))
        #expect(try Command.succeed(["dpkg-deb", "-f", package, "Architecture"]) == architecture + "\n")
        let content = try Command.run([
            "sh", "-c", "dpkg-deb --fsys-tarfile \"$1\" | tar -xO ./usr/bin/virt-metadata | cmp - \"$2\"", "sh", package,
            program.path,
        ])
        #expect(content.status == 0, "\(content.stdout)\(content.stderr)")
    }

    @Test func `what is not an ELF program is refused`() throws {
        let folder = Packaging.temporaryFolder()
        let output = try Command.run([Packaging.folder + "/build-deb", "/etc/passwd", folder.path, "1.0"])
        #expect(output.status == 1)
        #expect(output.stderr == "build-deb: /etc/passwd is not an ELF program\n")
    }

    @Test func `make says why it builds no package for another architecture`() throws {
        let other = try Command.succeed(["uname", "-m"]) == "x86_64\n" ? "arm64" : "amd64"
        for target in ["deb", "tarball"] {
            let output = try Command.run(["make", "-C", Packaging.folder + "/..", target, "ARCH=" + other])
            #expect(output.status == 2)
            #expect(output.stderr.contains("A build for \(other) needs a Swift SDK for \(other)"), "\(output.stderr)")
        }
    }

    @Test func `Debian's changelog is the project's`() throws {
        let folder = Packaging.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "CHANGELOG.md")
        func converted(_ text: String, _ version: String) throws -> String {
            try Data(text.utf8).write(to: file)
            let script = Packaging.folder + "/changelog.py"
            return try Command.succeed([
                "env", "SOURCE_DATE_EPOCH=1795982726", script, file.path, version, "Ada <ada@example.org>",
            ])
        }
        let text = """
            # Changelog

            All releases.

            ## [0.2.0] - 2026-12-01

            Read [the upgrade notes](docs/install.md).

            ### Added
            - **Status**: a command that says which bridges are served, and by which entry
              and since when.
            - Second, with a table:

              | former name | name |
              |---|---|
              | `networks` | `network` |

            ## 0.1.0 (2026-11-01)
            - First.

            """
        let first = """
            virt-metadata (0.2.0) unstable; urgency=medium

              * Read the upgrade notes.

              [ Added ]
              * Status: a command that says which bridges are served, and by which entry
                and since when.
              * Second, with a table:
                  former name: name
                  `networks`: `network`

             -- Ada <ada@example.org>  Tue, 01 Dec 2026 12:00:00 +0000

            virt-metadata (0.1.0) unstable; urgency=medium

              * First.

             -- Ada <ada@example.org>  Sun, 01 Nov 2026 12:00:00 +0000

            """
        #expect(try converted(text, "0.2.0") == first)
        // What is not released is dated by its source.
        let unreleased = try converted("## Unreleased\n- New.\n", "0.3.0")
        #expect(unreleased.hasPrefix("virt-metadata (0.3.0) unstable; urgency=medium\n\n  * New.\n"))
        #expect(unreleased.hasSuffix(" Sun, 29 Nov 2026 20:05:26 +0000\n"))
        let local = try converted(text, "0.2.0+local1")
        #expect(
            local.hasPrefix("virt-metadata (0.2.0+local1) unstable; urgency=medium\n\n  * Built from the sources of 0.2.0.\n"))
        #expect(local.hasSuffix(first))
    }

    @Test func `an installation says what the service will do, and an upgrade what is different`() throws {
        let folder = Packaging.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for command in ["adduser", "addgroup", "getent", "deb-systemd-helper", "deb-systemd-invoke", "systemctl"] {
            let file = folder.appending(path: command).path
            let script = "#!/bin/sh\necho \"${0##*/} $*\" >>'\(folder.path)/log'\n"
            try script.write(toFile: file, atomically: true, encoding: .utf8)
            try Command.succeed(["chmod", "+x", file])
        }
        func configure(_ old: String) throws -> String {
            try Command.succeed([
                "env", "PATH=\(folder.path):/usr/bin:/bin", "sh", Packaging.folder + "/postinst", "configure", old,
            ])
        }
        #expect(try configure("").contains("It changes no bridge of this host until a domain on that bridge is enabled"))
        let log = try String(contentsOf: folder.appending(path: "log"), encoding: .utf8)
        #expect(log.contains("deb-systemd-helper enable virt-metadata.service"))
        let upgraded = try configure("0.1.0")
        #expect(upgraded.contains("set 'network: all' in /etc/virt-metadata/config.yaml to serve every bridge as before"))
        #expect(try configure("0.2.0").isEmpty)
    }

    @Test func `a purge leaves no configuration, not even earlier ones`() throws {
        let folder = Packaging.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = folder.appending(path: "etc/virt-metadata")
        let earlier = configuration.appending(path: "config.yaml.4711.2026-11-30@12:00:00~")
        // Only paths of the folder are touched, and no user of this machine.
        let script = try String(contentsOfFile: Packaging.folder + "/postrm", encoding: .utf8)
            .replacing(#/ (/(?:etc|var|run)/)/#) { " \(folder.path)\($0.1)" }
            .replacing("getent", with: "false")
            .replacing("deb-systemd-helper", with: "no-such-command")
        func run(_ action: String, files: URL...) throws {
            try FileManager.default.createDirectory(at: configuration, withIntermediateDirectories: true)
            for file in files { try "password".write(to: file, atomically: true, encoding: .utf8) }
            try Command.succeed(["sh", "-c", script, "postrm", action])
        }
        try run("remove", files: earlier)
        #expect(FileManager.default.fileExists(atPath: earlier.path))
        try run("purge", files: earlier)
        #expect(!FileManager.default.fileExists(atPath: configuration.path))
        let others = configuration.appending(path: "README")
        try run("purge", files: earlier, others)
        #expect(!FileManager.default.fileExists(atPath: earlier.path) && FileManager.default.fileExists(atPath: others.path))
    }
}
