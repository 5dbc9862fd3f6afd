import Foundation
import TestSupport
import Testing

/// `virt-metadata emulate` as the starter of a command, and what it leaves behind.
@Suite struct EmulateProgramTests {
    private static let fixtures = "\(Program.fixtures)/instances"

    // MARK: Commands

    @Test func `a command has the emulator at the addresses of clouds, and nothing else`() async throws {
        let script = """
            for host in 169.254.169.254 '[fd00:ec2::254]' '[fe80::a9fe:a9fe%25lo]'; do
              curl -sS -m 5 "http://$host/latest/meta-data/instance-id"; echo
            done
            echo "$AWS_EC2_METADATA_SERVICE_ENDPOINT $VIRT_METADATA_URL ${VIRT_METADATA_EMULATOR_OUTSIDE-unset}"
            cat /proc/net/dev | wc -l
            exit 7
            """
        let run = try await Program.run("emulate", "\(Self.fixtures)/rich", "--", "sh", "-c", script)
        let url = "http://169.254.169.254"
        #expect(run.stdout == "i-0000002a\ni-0000002a\ni-0000002a\n\(url) \(url) unset\n3\n")
        #expect(run.status == 7, "\(run.stderr)")
    }

    @Test func `it needs no root`() async throws {
        try #require(geteuid() == 0, "needs root to become somebody else")
        // A user reaches the program by a path of its own: the build's folder may be closed to others.
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appending(path: "virt-metadata").path
        try FileManager.default.copyItem(atPath: Program.path, toPath: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        let nobody = [
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "env", "-i",
            "PATH=/usr/bin:/bin:/usr/sbin", "HOME=/", program, "emulate",
        ]
        let url = "http://169.254.169.254/"
        let run = try Command.run(nobody + ["--", "curl", "-sS", "-m", "5", url], limit: .seconds(20))
        #expect(run.stdout.hasSuffix("latest") && run.status == 0, "\(run.stderr)")
        let direct = nobody + ["--no-namespace", "--", "sh", "-c", "id -u; curl -sS $VIRT_METADATA_URL/latest/meta-data/ami-id"]
        let outside = try Command.run(direct, limit: .seconds(20))
        #expect(outside.stdout == "65534\nami-0abcdef1234567890" && outside.status == 0, "\(outside.stderr)")
    }

    @Test func `a host without user namespaces is said in one sentence`() async throws {
        let line =
            "echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces; exec \"$0\" emulate -- true"
        let run = try Command.run(["unshare", "-Ur", "sh", "-c", line, Program.path], limit: .seconds(20))
        #expect(run.status == 2)
        #expect(
            run.stderr.hasPrefix("virt-metadata: this host allows no user namespace") && run.stderr.count(where: \.isNewline) == 1
        )
        #expect(run.stderr.contains("use --no-namespace"))
    }

    @Test func `a network that is not the emulator's own is never given the addresses`() async throws {
        let line = "VIRT_METADATA_EMULATOR_OUTSIDE=net:[1] \"$virt_metadata\" emulate -- true"
        let run = try await Program.shell(line)
        let reason = "virt-metadata: this network namespace is not a new one: unset VIRT_METADATA_EMULATOR_OUTSIDE\n"
        #expect(run.status == 2 && run.stderr == reason, "\(run.stderr)")
        #expect(try Command.succeed(["ip", "-br", "address", "show", "dev", "lo"]).contains("169.254.169.254") == false)
    }

    @Test func `a signal goes to the command, whose status is the emulator's`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = try RunningProgram(
            RunningProgram.unblocked + [
                Program.path, "emulate", "--", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done",
            ],
            output: FileHandle(forWritingTo: file))
        #expect(try await eventually(within: .seconds(60)) { try String(contentsOf: file, encoding: .utf8) == "up\n" })
        #expect(process.end() == 9)
    }

    @Test(arguments: [(SIGINT, "INT"), (SIGHUP, "HUP")])
    func `other signals that end programs go to the command too`(signal: Int32, name: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let script = "trap 'exit 9' \(name); echo up; while :; do sleep 0.1; done"
        let process = try RunningProgram(
            RunningProgram.unblocked + [Program.path, "emulate", "--", "sh", "-c", script], output: FileHandle(forWritingTo: file)
        )
        #expect(try await eventually(within: .seconds(60)) { try String(contentsOf: file, encoding: .utf8) == "up\n" })
        kill(process.identifier, signal)
        #expect(try await eventually { !process.isRunning })
        #expect(process.end() == 9)
    }

    @Test func `a terminal that is closed ends it in good order, unless its starter ignores that`() async throws {
        let emulator = try await RunningEmulator()
        kill(emulator.identifier, SIGHUP)
        #expect(try await eventually { !emulator.isRunning })
        #expect(emulator.end() == 0)
        #expect(!FileManager.default.fileExists(atPath: emulator.folder.appending(path: "ready.json").path))
        let script = "kill -HUP $PPID; sleep 0.3; exit 4"
        let run = try Command.run(
            ["sh", "-c", "trap '' HUP; exec \"$0\" emulate --no-namespace -- sh -c '\(script)'", Program.path],
            limit: .seconds(20))
        #expect(run.status == 4, "\(run)")
    }

    @Test func `a command that a signal ends is 128 and its number`() async throws {
        for more in [[], ["--no-namespace"]] {
            let run = try await Program.run(more: ["emulate"] + more + ["--", "sh", "-c", "kill -KILL $$"])
            #expect(run.status == 137, "\(run)")
        }
    }

    @Test func `a command's status is known also where the starter ignores the ends of its children`() async throws {
        for option in ["", "--no-namespace"] {
            let run = try await Program.shell("trap '' CHLD; exec \"$virt_metadata\" emulate \(option) -- sh -c 'exit 7'")
            #expect(run.status == 7, "\(run)")
        }
    }

    @Test func `a command has its starter's open files, and none of the emulator's`() async throws {
        // The list itself is read by one more.
        let list = "import os; print(sorted(map(int, os.listdir('/proc/self/fd'))))"
        for option in ["", "--no-namespace --control 127.0.0.1:0 --access-log /dev/null"] {
            let run = try await Program.shell(
                """
                exec 9</dev/null; python3 -c "\(list)"
                "$virt_metadata" emulate \(option) -- python3 -c "\(list)"
                """)
            let lines = run.stdout.split(separator: "\n")
            #expect(lines.count == 2 && lines.first == lines.last && lines.first?.contains(" 9") == true, "\(run)")
        }
    }

    @Test func `connections are refused also while a command runs`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let scenario = folder.appending(path: "refuse.yaml").path
        try Data("start: first-request\nfaults:\n- {when: {from: 1ms}, do: refuse}\n".utf8).write(to: URL(filePath: scenario))
        // The second request's connection is refused (7), and does not wait (28).
        let script = """
            curl -s -m 5 -o /dev/null http://169.254.169.254/; sleep 0.5; curl -s -m 5 -o /dev/null http://169.254.169.254/
            """
        let run = try await Program.run("emulate", "--scenario", scenario, "--", "sh", "-c", script)
        #expect(run.status == 7, "\(run)")
    }

    // MARK: Files

    @Test func `a ready file that is no regular file is written into, and stays`() async throws {
        let line = """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"; mkfifo fifo; touch target; ln -s target link
            cat fifo > read & "$virt_metadata" emulate --quiet --ready-file fifo --no-namespace -- true; wait
            "$virt_metadata" emulate --quiet --ready-file link --no-namespace -- true
            test -p fifo && test -h link && grep -c '"url"' read target; ls
            """
        let run = try await Program.shell(line)
        #expect(run.stdout == "read:1\ntarget:1\nfifo\nlink\nread\ntarget\n", "\(run)")
    }

    @Test func `a FIFO that nobody reads is an error after some time`() async throws {
        let run = try await Program.shell(
            """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"; mkfifo a b
            "$virt_metadata" emulate --access-log a 2>>errors & "$virt_metadata" emulate --ready-file b -q 2>>errors; wait; sort errors
            """)
        let reason = "cannot be written: no program has opened this FIFO for reading within 10 s"
        #expect(run.stdout == "virt-metadata: a: \(reason)\nvirt-metadata: b: \(reason)\n", "\(run)")
    }

    @Test func `no ready file is left where the start fails after it`() async throws {
        // Standard output is a full disk.
        let run = try await Program.shell(
            """
            folder=$(mktemp -d); trap 'rm -r "$folder"' EXIT; cd "$folder"
            "$virt_metadata" emulate --ready-file ready >/dev/full; echo $? >&2; ls >&2
            """)
        #expect(run.stderr == "virt-metadata: cannot write all of the output: No space left on device\n1\n", "\(run)")
    }

    @Test func `no such command is status 127`() async throws {
        for more in [[], ["--no-namespace"]] {
            let run = try await Program.run(more: ["emulate"] + more + ["--", "no-such-command"])
            #expect(run.status == 127)
            #expect(run.stderr == "virt-metadata: cannot run no-such-command: No such file or directory\n")
        }
    }
}
