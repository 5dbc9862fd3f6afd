import Foundation
import TestSupport
import Testing

/// A server that starts as root and changes its user.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: NetworkNamespace.isAvailable && PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct PrivilegeTests {
    /// A process's or thread's status in /proc: `proc_pid_status(5)`.
    private func facts(_ process: Int32, thread: String? = nil) throws -> [Substring: String] {
        let path = "/proc/\(process)/" + (thread.map { "task/\($0)/" } ?? "") + "status"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        return Dictionary(
            lines.compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2 ? (parts[0], parts[1].trimmingCharacters(in: .whitespaces)) : nil
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The three that are kept: CAP_NET_BIND_SERVICE (10), CAP_NET_ADMIN (12), CAP_NET_RAW (13).
    private static let kept = "0000000000003400"

    @Test func `every thread has another user and three of root's rights, and bridges are served and guarded by them`()
        async throws
    {
        let host = try BridgedHost()
        let web = try host.guest("web", mac: "52:54:00:0d:00:01", address: "192.0.2.11/24")
        // A server that was root has left files that are root's.
        try await host.serve("--bridge", "br0", "--user", "root")
        try await host.expect(web)
        #expect(try facts(try #require(host.server).processIdentifier)["Uid"]?.hasPrefix("0\t") == true)
        host.server?.kill()

        for _ in 0..<2 {
            try await host.serve("--bridge", "br0", "--user", "nobody")
            try await host.expect(web)
            let process = try #require(host.server).processIdentifier
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
            #expect(threads.count > 2)
            for thread in threads {
                let facts = try facts(process, thread: thread)
                #expect(facts["Uid"] == "65534\t65534\t65534\t65534")
                #expect(facts["Gid"] == "65534\t65534\t65534\t65534")
                #expect(facts["Groups"] == "65534")
                for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] { #expect(facts[Substring(set)] == Self.kept) }
                #expect(facts["NoNewPrivs"] == "1")
            }
            // The tap of a domain that starts later is guarded too, and the record written.
            let late = try host.guest("late-\(process)", mac: "52:54:00:0d:01:01", address: "192.0.2.12/24")
            try await host.expect(late)
            try await host.eventually("the tap is guarded") { try host.rules().contains(late.tap) }
            try host.destroy(late.name)
            let owner = try FileManager.default.attributesOfItem(atPath: host.runDirectory + "/owned.json")
            #expect(owner[.ownerAccountName] as? String == "nobody")
            #expect(host.stop() == 0)
        }
    }

    /// The program, as root of a host whose users are these besides its own.
    private func run(_ script: String, users: String) async throws -> Command.Output {
        let line = """
            for file in passwd group; do cat /etc/$file > "$2/$file"; mount --bind "$2/$file" /etc/$file; done
            printf '\(users)' >> /etc/passwd
            virt_metadata=$1; state=$2/state
            \(script)
            """
        let folder = FileManager.default.temporaryDirectory.appending(path: "users-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try Command.run(
            ["unshare", "--mount", "--net", "sh", "-c", line, "sh", MetadataServer.executable, folder.path])
    }

    /// For twenty seconds at most.
    private static func serve() -> String {
        #"timeout --preserve-status 20 "$virt_metadata" serve --connect test:///default --listen 0.0.0.0:80 --state-directory "$state""#
    }

    /// Until it listens, or has ended by itself.
    private static func serveUntilListening(_ options: String = "", under wrapper: String = "") -> String {
        #"""
        \#(wrapper) \#(serve()) \#(options) 2>"$state.log" & server=$!
        until grep -q ' listening address=' "$state.log" || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
        kill $server 2>/dev/null; wait $server; status=$?
        cat "$state.log" >&2; (exit $status)
        """#
    }

    @Test func `the usual user is taken where the host has it, with its groups`() async throws {
        let output = try await run(
            """
            echo virt-metadata-friends:x:61998:virt-metadata >> /etc/group
            ip link set lo up
            \(Self.serve()) & server=$!
            for i in $(seq 300); do curl -s -o /dev/null http://127.0.0.1/ && break; sleep 0.05; done
            read -r process _ < /proc/$server/task/$server/children
            cat /proc/$process/status; stat -c 'owner %u %a' "$state" "$state/token.key"
            tr '\\0' '\\n' < /proc/$process/environ
            kill $server
            wait
            """,
            users: #"virt-metadata:x:61999:61999::/nonexistent/home:/usr/sbin/nologin\n"#)
        #expect(output.stdout.contains("Uid:\t61999\t61999\t61999\t61999"), "\(output)")
        #expect(output.stdout.contains("Groups:\t61998 61999 \n"))
        #expect(output.stdout.contains("CapEff:\t\(Self.kept)"))
        #expect(output.stdout.contains("owner 61999 700\nowner 61999 600"))
        #expect(output.stdout.contains("\nHOME=/nonexistent/home\n"))
        #expect(!output.stderr.contains("running as root"))
    }

    @Test func `root with fewer rights, as in a container, keeps those of the three that it has`() async throws {
        let output = try await run(
            """
            ip link set lo up
            timeout 15 setpriv --bounding-set=-setpcap,-net_raw "$virt_metadata" serve --connect test:///default \
              --listen 0.0.0.0:80 --state-directory "$state" --user nobody & server=$!
            for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1/ && break; sleep 0.05; done
            read -r process _ < /proc/$server/task/$server/children
            cat /proc/$process/status
            kill $server
            wait
            """, users: "")
        #expect(output.stdout.contains("Uid:\t65534\t65534\t65534\t65534"), "\(output)")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(output.stdout.contains("\(set):\t0000000000001400"), "\(output)")
        }
    }

    @Test func `a host without the usual user gets a hint, and is served`() async throws {
        let output = try await run(Self.serveUntilListening(), users: "")
        #expect(output.status == 0)
        #expect(output.stderr.contains("running as root: user 'virt-metadata' does not exist"))
        #expect(output.stderr.contains("useradd --system --groups libvirt virt-metadata, or --user root"))
        #expect(output.stderr.contains("listening"))
        let asked = try await run(Self.serveUntilListening("--user root"), users: "")
        #expect(asked.stderr.contains("listening"))
        #expect(!asked.stderr.contains("running as root"))
    }

    @Test func `a user that is not there, or that only root could become, ends the program before it listens`() async throws {
        let missing = try await run("\(Self.serve()) --user nobody-here", users: "")
        #expect(missing.status == 2)
        #expect(
            missing.stderr == """
                virt-metadata: --user: user 'nobody-here' does not exist; create it: useradd --system --groups libvirt nobody-here

                """)
        let other = try await run("exec setpriv --reuid nobody --clear-groups \(Self.serve()) --user daemon", users: "")
        #expect(other.status == 2)
        #expect(
            other.stderr == """
                virt-metadata: --user: only root can switch to user 'daemon'; start as root, or omit this setting

                """)
    }

    @Test func `a directory with other things in it stays root's`() async throws {
        let output = try await run(
            #"""
            mkdir "$state"; touch "$state/else" "$state/owned.json"; ln "$state/else" "$state/token.key"
            \#(Self.serve()) --user nobody
            stat -c '%n %u' "$state" "$state/else"
            """#, users: "")
        #expect(output.stdout.count { $0 == "\n" } == 2)
        #expect(output.stdout.split(separator: "\n").allSatisfy { $0.hasSuffix(" 0") }, "\(output)")
        // So it cannot be used, which is logged.
        #expect(output.stderr.contains("virt-metadata: --token-key: "))
    }

    /// What `release` makes of a record in a directory of a user's, with the tables that are there afterwards and the files of the directory.
    private func release(_ tables: String, by owner: String, _ arguments: String = "") async throws -> Command.Output {
        let record = #"{"version":1,"tables":[\#(tables)],"bridges":[],"addresses":[],"learning":[]}"#
        return try await run(
            #"""
            mkdir "$2/run"; printf '%s' '\#(record)' > "$2/run/owned.json"; chown -R \#(owner) "$2/run"
            nft add table inet virt_metadata; nft add table inet operator
            "$virt_metadata" release --run-directory "$2/run" \#(arguments); echo "status $?"
            nft list tables; cd "$2/run"; stat -c '%n %U' *
            """#, users: "")
    }

    @Test func `root releases as the user who wrote the record, and as root where the record is root's`() async throws {
        let nobodys = try await release(#""inet""#, by: "nobody")
        #expect(nobodys.stdout == "status 0\ntable inet operator\nlock nobody\n", "\(nobodys)")
        let roots = try await release(#""inet""#, by: "root")
        #expect(roots.stdout == "status 0\ntable inet operator\nlock root\n", "\(roots)")
        let asked = try await release(#""inet""#, by: "nobody", "--user root")
        #expect(asked.stdout == "status 0\ntable inet operator\nlock root\n", "\(asked)")
    }

    @Test(arguments: [("nobody", ""), ("nobody", "--user root"), ("4000000", ""), ("root", "")])
    func `an impossible record is set aside, and nothing of it is executed`(
        owner: String, arguments: String
    )
        async throws
    {
        for tables in [#""inet operator # ""#, #""inet zz; flush ruleset; add table inet zz # ""#] {
            let output = try await release(tables, by: owner, arguments)
            #expect(output.stdout.hasPrefix("status 1\ntable inet virt_metadata\ntable inet operator\nlock "), "\(output)")
            #expect(output.stdout.contains("owned.json.damaged "))
            #expect(output.stderr.contains(#"owned.json: invalid entry in "tables"; the file was renamed to"#))
        }
    }

    @Test func `no directory is given away through a link of the user's in its parent`() async throws {
        let output = try await run(
            #"""
            mkdir "$2/up" "$2/prize"; ln -s ../prize "$2/up/x"; chown -h nobody "$2/up" "$2/up/x"
            \#(Self.serve()) --user nobody --state-directory "$2/up/x/state"; echo "status $?"
            ls "$2/prize"; stat -c %U "$2/prize"
            """#, users: "")
        #expect(output.stdout == "status 1\nroot\n", "\(output)")
        #expect(
            output.stderr.contains(
                "/up/x/state to 'nobody': a symbolic link on its path is not root's (openat(x))"),
            "\(output)")
    }

    @Test func `root raises the limit of open files before it changes its user, where the kernel permits`() async throws {
        // That takes CAP_SYS_RESOURCE: in a container root seldom has it, and then a warning is logged.
        let mayRaiseLimits = try Command.run(["prlimit", "--nofile=20:20", "sh", "-c", "ulimit -Hn 21"]).status == 0
        let output = try await run(Self.serveUntilListening("--user nobody", under: "prlimit --nofile=200:200"), users: "")
        #expect(output.status == 0)
        #expect(output.stderr.contains("listening"))
        #expect(output.stderr.contains("limit of open files is too low") == !mayRaiseLimits, "\(output)")
    }

    @Test func `a low limit of open files is logged, and the server's own files always open`() async throws {
        let output = try await run(
            """
            ip link set lo up
            mkdir "$state"; chown nobody "$state"
            setpriv --reuid nobody --clear-groups --ambient-caps +net_bind_service --inh-caps +net_bind_service \
              prlimit --nofile=200:200 \(Self.serve()) --connections-per-caller 1000 & server=$!
            for i in $(seq 300); do curl -s -o /dev/null http://127.0.0.1/ && break; sleep 0.05; done
            python3 -c '
            import socket, sys
            connections = [socket.create_connection(("127.0.0.1", 80)) for _ in range(150)]
            connections[0].sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            print(connections[0].recv(100).split(b"\\r\\n")[0].decode())
            ended = 0
            for connection in connections[1:]:
                connection.settimeout(0.02)
                try: ended += connection.recv(1) == b""
                except ConnectionResetError: ended += 1
                except TimeoutError: pass
            print("ended", ended)
            '
            kill $server
            wait
            """, users: "")
        #expect(output.stderr.contains("limit of open files is too low for max-connections"), "\(output)")
        #expect(output.stderr.contains("connections=64 "))
        // The answered connection freed its descriptor, perhaps in time for another.
        #expect(
            ["HTTP/1.1 200 OK\nended 85\n", "HTTP/1.1 200 OK\nended 86\n"].contains(output.stdout), "\(output)")
    }
}
