import Foundation
import TestSupport
import Testing

/// The archive for other distributions: what its script says of a host, puts there, and removes again.
@Suite(.enabled(if: geteuid() == 0, "needs root, to install")) struct TarballTests {
    /// The archive, unpacked, beside stand-ins for a host's programs.
    private final class Archive {
        let folder = Packaging.temporaryFolder()
        let root: String
        var script: String { root + "/install.sh" }

        init() throws {
            let file = try Packaging.build("tarball", in: folder)
            try Command.succeed(["tar", "-C", folder.path, "-xzf", file])
            root = String(file.dropLast(".tar.gz".count))
        }

        /// What the script looks at when it checks a host, without the rest.
        init(requiring requirements: String) throws {
            root = folder.path + "/archive"
            try FileManager.default.createDirectory(atPath: root + "/bin", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: root + "/bin/virt-metadata", withDestinationPath: Program.path)
            try FileManager.default.copyItem(atPath: Packaging.folder + "/install.sh", toPath: script)
            _ = try file("archive/requirements", requirements)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        /// Puts a program in front of the host's own of this name.
        func pretend(_ name: String, _ script: String) throws {
            let file = folder.appending(path: "host/\(name)")
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try ("#!/bin/sh\n" + script + "\n").write(to: file, atomically: true, encoding: .utf8)
            try Command.succeed(["chmod", "+x", file.path])
        }

        func check(_ variables: String...) throws -> Command.Output {
            let path = "PATH=\(folder.path)/host:/usr/sbin:/usr/bin:/sbin:/bin"
            return try Command.run(["env", path] + variables + [script, "--check"])
        }

        func file(_ name: String, _ text: String) throws -> String {
            let file = folder.appending(path: name)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
    }

    @Test func `it is complete, and its script puts it elsewhere and removes it`() throws {
        let archive = try Archive()
        try Packaging.expectDocumentation(in: archive.root + "/share/doc/virt-metadata")
        let destination = archive.folder.path + "/destination"
        try Command.succeed([archive.script, "--destdir", destination, "--prefix", "/opt/vm"])
        for path in [
            "/opt/vm/bin/virt-metadata", "/opt/vm/share/man/man8/virt-metadata.8.gz",
            "/opt/vm/share/bash-completion/completions/virt-metadata", "/opt/vm/share/zsh/site-functions/_virt-metadata",
            "/opt/vm/share/fish/vendor_completions.d/virt-metadata.fish", "/opt/vm/share/doc/virt-metadata/CHANGELOG.md",
            "/etc/virt-metadata/config.yaml",
        ] {
            #expect(FileManager.default.fileExists(atPath: destination + path), "\(path)")
        }
        let unit = try String(contentsOfFile: destination + "/etc/systemd/system/virt-metadata.service", encoding: .utf8)
        #expect(unit.contains("\nExecStart=/opt/vm/bin/virt-metadata serve\n"))
        #expect(try Command.succeed([destination + "/opt/vm/bin/virt-metadata", "--version"]).isEmpty == false)
        // A configuration stays, at an upgrade and at a removal.
        try Command.succeed(["sh", "-c", "echo 'log-level: debug' >'\(destination)/etc/virt-metadata/config.yaml'"])
        try Command.succeed([archive.script, "--destdir", destination, "--prefix", "/opt/vm"])
        try Command.succeed([archive.script, "--uninstall", "--destdir", destination, "--prefix", "/opt/vm"])
        #expect(try Command.succeed(["find", destination, "-type", "f", "-printf", "%P\n"]) == "etc/virt-metadata/config.yaml\n")
        try Command.succeed([archive.script, "--uninstall", "--purge", "--destdir", destination, "--prefix", "/opt/vm"])
        #expect(try Command.succeed(["find", destination, "!", "-type", "d"]).isEmpty)
    }

    @Test func `on a host it makes the user and the service, and removes both`() throws {
        let archive = try Archive()
        try archive.pretend("systemctl", "echo \"$*\" >>'\(archive.folder.path)/systemctl'")
        // Of the host's folders a copy is changed, which ends with the namespace.
        let script = """
            set -e
            work=$1 path=$2
            mkdir -p $work/overlay
            mount -t tmpfs none $work/overlay
            mkdir $work/overlay/upper $work/overlay/work $work/overlay/lib
            mount -t overlay overlay -o lowerdir=/etc,upperdir=$work/overlay/upper,workdir=$work/overlay/work /etc
            mount --bind $work/overlay/lib /var/lib
            mount -t tmpfs none /run
            mkdir -p /run/systemd/system
            PATH=$path $3/install.sh --prefix $work/prefix
            getent passwd virt-metadata
            ls -l /etc/virt-metadata/config.yaml /etc/systemd/system/virt-metadata.service
            mkdir /var/lib/virt-metadata /run/virt-metadata
            PATH=$path $3/install.sh --uninstall --purge --prefix $work/prefix
            ls -d /etc/virt-metadata /etc/systemd/system/virt-metadata.service /var/lib/virt-metadata /run/virt-metadata 2>/dev/null || true
            getent passwd virt-metadata || echo no user
            find $work/prefix ! -type d
            """
        let path = "\(archive.folder.path)/host:/usr/sbin:/usr/bin:/sbin:/bin"
        let output = try Command.run(
            ["unshare", "--mount", "--net", "sh", "-c", script, "sh", archive.folder.path, path, archive.root],
            limit: .seconds(60))
        #expect(output.status == 0, "\(output.stdout)\(output.stderr)")
        let said = output.stdout.split(separator: "\n")
        #expect(said.contains("this host has everything that virt-metadata needs"), "\(output.stdout)")
        #expect(output.stdout.contains("It changes no bridge of this host until a domain on that bridge is enabled"))
        #expect(said.contains { $0.hasPrefix("virt-metadata:x:") && $0.contains("nologin") })
        #expect(said.suffix(2) == ["virt-metadata is removed from \(archive.folder.path)/prefix", "no user"], "\(output.stdout)")
        let calls = try String(contentsOf: archive.folder.appending(path: "systemctl"), encoding: .utf8)
        #expect(
            calls == """
                daemon-reload
                enable virt-metadata.service
                restart virt-metadata.service
                disable --now virt-metadata.service
                daemon-reload

                """)
    }

    @Test func `a missing library is named with the distribution's package`() throws {
        let archive = try Archive(requiring: "architecture=amd64\nglibc=2.36\n")
        let missing = ["libcrypto.so.3", "libcurl-gnutls.so.4", "libnftables.so.1"].map { "\\t\($0) => not found\\n" }.joined()
        try archive.pretend("ldd", "printf '\(missing)\\tlibc.so.6 => /lib/libc.so.6 (0x1)\\n'")
        for (release, says, command) in [
            ("ID=debian", "in the package libcurl3-gnutls", "apt install libssl3 libcurl3-gnutls libnftables1"),
            (
                "ID=ubuntu\nID_LIKE=debian", "in the package libcurl3-gnutls",
                "apt install libssl3 libcurl3-gnutls libnftables1"
            ),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", "no package of", "dnf install openssl-libs nftables"),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"", "no package of", "zypper install libopenssl3 libnftables1"),
            ("ID=arch", "in the package libcurl-gnutls", "pacman -S openssl libcurl-gnutls nftables"),
            ("ID=void", "Debian libnftables1, Fedora nftables, SUSE libnftables1, Arch nftables", nil),
        ] {
            let output = try archive.check("OS_RELEASE=" + archive.file("os-release", release + "\n"))
            #expect(output.status == 1)
            #expect(output.stdout.contains("missing: the library libnftables.so.1, in the package "), "\(output.stdout)")
            #expect(output.stdout.contains(says), "\(output.stdout)")
            let said = output.stdout.firstMatch(of: #/to install them: (.*)/#).map { String($0.1) }
            #expect(said == command, "\(release)")
        }
    }

    @Test func `whatever else a host lacks is named too`() throws {
        let archive = try Archive(requiring: "architecture=amd64\nglibc=2.36\n")
        try archive.pretend("uname", "[ $1 = -m ] && echo riscv64 || echo 5.15.0-91-generic")
        try archive.pretend("getconf", "echo glibc 2.9")
        try archive.pretend("ldd", "echo \"$1: /lib/libvirt.so.0: version \\`LIBVIRT_9.0.0' not found (required by $1)\" >&2")
        let options = try archive.file("config", "CONFIG_BRIDGE=m\nCONFIG_NF_TABLES=m\n# CONFIG_NETFILTER_EGRESS is not set\n")
        let output = try archive.check("KERNEL_CONFIG=" + options)
        #expect(output.status == 1)
        let missing = output.stdout.split(separator: "\n").filter { $0.hasPrefix("missing: ") }
        for phrase in [
            "this host's is riscv64", "or newer: this host has 2.9, so",
            "libvirt.so.0 with LIBVIRT_9.0.0: this host's library is older",
            "this host has 5.15.0-91-generic", "kernel option CONFIG_NETFILTER_EGRESS", "kernel option CONFIG_NFT_FWD_NETDEV",
        ] {
            #expect(missing.contains { $0.contains(phrase) }, "\(phrase): \(output.stdout)")
        }
        #expect(!missing.contains { $0.hasSuffix("CONFIG_BRIDGE") })
        // Nothing is installed there, unless it is forced.
        let path = "PATH=\(archive.folder.path)/host:/usr/sbin:/usr/bin:/sbin:/bin"
        let installed = try Command.run(["env", path, archive.script, "--prefix", archive.folder.path + "/prefix"])
        #expect(installed.status == 1 && installed.stderr.hasPrefix("install.sh: nothing was installed"))
        #expect(!FileManager.default.fileExists(atPath: archive.folder.path + "/prefix"))
        try archive.pretend("getconf", "exit 1")
        #expect(try archive.check().stdout.contains("this host has another C library"))
    }

    @Test func `wrong options end with 2`() throws {
        for arguments in [["--prefix"], ["--prefix", "opt"], ["--frobnicate"]] {
            #expect(try Command.run([Packaging.folder + "/install.sh"] + arguments).status == 2)
        }
        #expect(try Command.run([Packaging.folder + "/install.sh", "--help"]).stdout.contains("--uninstall"))
    }
}
