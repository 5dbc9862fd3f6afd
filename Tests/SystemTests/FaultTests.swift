import Foundation
import TestSupport
import Testing

/// Replies to guests while something that the server needs is slow, wrong or missing.
@Suite(.timeLimit(.minutes(3)), .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct FaultTests {
    // MARK: libvirt

    @Test func `a hung libvirtd costs no answer, and is followed once it resumes`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let admin = libvirtd.directory + "/admin"
        let host = try await Host(libvirtd: libvirtd, options: ["--admin-socket", admin])
        let others = try StandingConnection(to: host.libvirtd.uri)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try host.libvirtd.kill(SIGSTOP)
        var answers: [String?: Int] = [:]
        // Its connection is closed, and an attempt to open another one has timed out.
        try await host.eventually("nothing was heard of it twice", within: .seconds(90), every: .milliseconds(100)) {
            answers[try host.ask(1), default: 0] += 1
            let ready = try Command.run(["curl", "-s", "--unix-socket", admin, "http://server/readyz"]).stdout
            return ready.contains("no answer within")
        }
        try host.libvirtd.kill(SIGCONT)
        #expect(Array(answers.keys) == ["i-00000001"], "\(answers)")
        #expect(
            host.server.log.matches(of: /connection to libvirt lost; serving the last known state/).count == 1,
            "\(host.server.log)")
        try host.define(2)
        try await host.expect(2, "i-00000002", within: .seconds(30))
        #expect(try host.ask(1) == "i-00000001")
        _ = others
    }

    @Test func `duplicate and reordered events leave the inventory correct`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let relay = try await FaultyRelay(to: libvirtd, .eventsShuffled)
        let host = try await Host(libvirtd: libvirtd, uri: relay.uri)
        var random = Dice(seed: 7)
        var known: [Int: String] = [:]
        for step in 0..<120 {
            let number = Int.random(in: 1...5, using: &random)
            if known[number] == nil {
                try host.define(number)
                known[number] = "i-0000000\(number)"
            } else if Bool.random(using: &random) {
                try host.libvirtd.virsh("destroy", "guest\(number)")
                known[number] = nil
            } else {
                try edit(host, number, "i-edited\(step)")
                known[number] = "i-edited\(step)"
            }
        }
        for number in 1...5 { try await host.expect(number, known[number], within: .seconds(10)) }
        // They stay so after all events in the relay: the last event passes it last.
        try host.define(6)
        try await host.expect(6, "i-00000006", within: .seconds(10))
        for number in 1...5 { #expect(try host.ask(number) == known[number]) }
        #expect(relay.done.contains { $0.hasPrefix("shuffled") && $0 != "shuffled 2" }, "\(relay.done)")
    }

    @Test func `the sweep repairs lost events`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let relay = try await FaultyRelay(to: libvirtd, .eventsLost)
        let host = try await Host(libvirtd: libvirtd, uri: relay.uri, options: ["--sweep-interval", "1s"])
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try edit(host, 1, "i-edited")
        try await host.expect(1, "i-edited")
        try host.libvirtd.virsh("destroy", "guest1")
        try await host.expect(1, nil)
        #expect(relay.done.count >= 3)
    }

    @Test func `a domain that libvirt describes in ten seconds delays no known guest`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let relay = try await FaultyRelay(
            to: libvirtd, .slow(uuid: "6a9b1c2d-0000-4000-8000-000000000002", seconds: 10))
        let host = try await Host(libvirtd: libvirtd, uri: relay.uri)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try host.define(2)
        let start = ContinuousClock.now
        while start.duration(to: .now) < .seconds(8) {
            let asked = ContinuousClock.now
            #expect(try host.ask(1) == "i-00000001")
            #expect(asked.duration(to: .now) < .seconds(2))
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(relay.done == ["slow"])
        // An unknown guest gets no other's data, and its own once libvirt has answered.
        try await host.expect(2, "i-00000002", within: .seconds(20))
        #expect(start.duration(to: .now) >= .seconds(9))
        try edit(host, 1, "i-edited")
        try await host.expect(1, "i-edited", within: .seconds(15))
    }

    @Test func `a domain that libvirt describes too late is read again`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let relay = try await FaultyRelay(
            to: libvirtd, .slow(uuid: "6a9b1c2d-0000-4000-8000-000000000002", seconds: 20, times: 1))
        let host = try await Host(libvirtd: libvirtd, uri: relay.uri)
        try host.define(1)
        try await host.expect(1, "i-00000001")
        try host.define(2)
        try await host.eventually("the server has given up", within: .seconds(25)) {
            host.server.log.contains("cannot read a domain")
        }
        // No event comes, and everything is read again after five minutes only.
        try await host.expect(2, "i-00000002", within: .seconds(40))
        try await host.expect(1, "i-00000001")
    }

    private func edit(_ host: Host, _ number: Int, _ id: String) throws {
        try host.libvirtd.virsh(
            "metadata", "guest\(number)", "--uri", "urn:virt-metadata:instance:1", "--key", "vm", "--live", "--set",
            "<instance><instance-id>\(id)</instance-id></instance>")
    }

    // MARK: This machine

    @Test func `without free descriptors open connections are served, and others once there is one`() async throws {
        let host = try await Host()
        try host.define(1)
        try await host.expect(1, "i-00000001")
        let process = host.server.processIdentifier
        let descriptors = { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count }
        try Command.succeed(["prlimit", "--pid", "\(process)", "--nofile=\(try descriptors() + 10)"])
        let crowd = try RunningProgram([
            "timeout", "15", "python3", "-c",
            """
            import socket, sys, time
            address, port = sys.argv[1].rsplit(":", 1)
            crowd = [socket.create_connection((address, int(port))) for _ in range(50)]
            ask = b"GET /latest/meta-data/instance-id HTTP/1.1\\r\\nHost: a\\r\\nX-Forwarded-For: \(Host.address(1))\\r\\n\\r\\n"
            for _ in range(300):
                crowd[0].sendall(ask)
                if b"i-00000001" not in crowd[0].recv(4096): sys.exit(1)
                time.sleep(0.01)
            """, host.server.address,
        ])
        let before = try processorTime(process)
        _ = try await eventually(within: .seconds(20)) { !crowd.isRunning }
        #expect(crowd.end() == 0)
        // It does not go round and round meanwhile.
        #expect(try processorTime(process) - before < 1.5)
        try await host.expect(1, "i-00000001")
        #expect(
            host.server.log.matches(of: /accept\(\) failed; pausing new connections error=.*Too many open files/).count == 1,
            "\(host.server.log)")
    }

    /// Seconds that a process has run: `proc_pid_stat(5)`.
    private func processorTime(_ process: Int32) throws -> Double {
        let facts = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8).split(separator: " ")
        return facts[13...14].reduce(0) { $0 + (Double($1) ?? 0) } / 100
    }

    @Test func `a disk that is full for the key of tokens is named, and nothing half written is left`() throws {
        let output = try Command.run([
            "unshare", "--mount", "sh", "-c",
            """
            mkdir -p /run/small && mount -t tmpfs -o size=8k none /run/small && mkdir /run/small/state
            head -c 8192 /dev/zero > /run/small/filling
            serve() {
                rm -f /run/small.log
                "$1" serve --connect test:///default --listen 127.0.0.1:0 --state-directory /run/small/state 2>/run/small.log & server=$!
                until grep -qs ' listening address=' /run/small.log || ! kill -0 $server 2>/dev/null; do sleep 0.05; done
                kill $server 2>/dev/null; wait $server; status=$?
                cat /run/small.log >&2; echo "status $status"
            }
            serve "$1"; ls -A /run/small/state
            rm /run/small/filling
            serve "$1"; stat -c '%n %s' /run/small/state/token.key
            """, "sh", MetadataServer.executable,
        ])
        #expect(output.stdout == "status 2\nstatus 0\n/run/small/state/token.key 45\n", "\(output)")
        #expect(output.stderr.contains("No space left on device"))
        #expect(output.stderr.contains("virt-metadata: --token-key: "))
    }

    @Test func `a changed wall clock revives no expired token, and stops nothing`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let offset = try libvirtd.file("offset", "0")
        let host = try await Host(
            libvirtd: libvirtd, options: ["--tokens", "required", "--sweep-interval", "1s"],
            under: ["env", "LD_PRELOAD=\(try wallClock(libvirtd, offset))"])
        try host.define(1)
        func set(_ words: String) throws { try words.write(toFile: offset, atomically: true, encoding: .utf8) }
        func token(seconds: Int) throws -> String {
            try Command.succeed([
                "curl", "-sf", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: \(seconds)", "-H",
                "X-Forwarded-For: \(Host.address(1))", host.url("/latest/api/token"),
            ])
        }
        func ask(_ token: String) throws -> String {
            try Command.succeed(host.curl(1) + ["-H", "X-aws-ec2-metadata-token: \(token)"])
        }
        try await host.eventually("the domain is known") { try token(seconds: 60).count > 10 }
        let (short, long) = (try token(seconds: 3600), try token(seconds: 21_600))
        #expect(try ask(short) == "i-00000001200")
        try set("7200")
        #expect(try ask(long) == "i-00000001200")
        #expect(try ask(short).hasSuffix("401"))
        try set("-86400")
        // Expired tokens stay expired, and valid ones stay valid.
        #expect(try ask(short).hasSuffix("401"))
        #expect(try ask(long) == "i-00000001200")
        #expect(try ask(try token(seconds: 60)) == "i-00000001200")
        // Nothing else uses that clock.
        try host.define(2)
        try host.libvirtd.virsh("destroy", "guest1")
        try await host.eventually("the domain is gone") { try ask(long).hasSuffix("404") }
        try set("86400")
        try host.define(1)
        try await host.eventually("a token of the guest's is good again") {
            (try? token(seconds: 60)).map { (try? ask($0)) == "i-00000001200" } ?? false
        }
        #expect(try ask(long).hasSuffix("401"))
    }

    /// A library that sets the wall clock of the program that loads it, by the number of seconds in a file; the machine's own clock stays unchanged.
    private func wallClock(_ libvirtd: PrivateLibvirtd, _ offset: String) throws -> String {
        let source = try libvirtd.file(
            "clock.c",
            """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <sys/time.h>
            #include <time.h>
            #include <unistd.h>

            static long offset(void) {
                char text[32] = {0};
                int file = open("\(offset)", O_RDONLY | O_CLOEXEC);
                if (file >= 0) { (void)!read(file, text, sizeof text - 1); close(file); }
                return atol(text);
            }

            int clock_gettime(clockid_t which, struct timespec *moment) {
                if (syscall(SYS_clock_gettime, which, moment)) return -1;
                if (which == CLOCK_REALTIME) moment->tv_sec += offset();
                return 0;
            }

            int gettimeofday(struct timeval *restrict moment, void *restrict zone) {
                struct timespec exact;
                clock_gettime(CLOCK_REALTIME, &exact);
                moment->tv_sec = exact.tv_sec, moment->tv_usec = exact.tv_nsec / 1000;
                return 0;
            }

            time_t time(time_t *moment) {
                struct timespec exact;
                clock_gettime(CLOCK_REALTIME, &exact);
                return moment ? *moment = exact.tv_sec : exact.tv_sec;
            }

            """)
        let library = libvirtd.directory + "/clock.so"
        try Command.succeed(["clang", "-shared", "-fPIC", "-O1", "-o", library, source])
        return library
    }

    // MARK: The server's own end

    @Test func `a signal amid a storm cuts no reply off`() async throws {
        let host = try await Host(options: ["--requests-per-second", "100000", "--cpu-per-second", "64s"])
        try host.define(1)
        try await host.expect(1, "i-00000001")
        let storm = try Storm(host, headers: "X-Forwarded-For: \(Host.address(1))\r\n")
        try await host.eventually("the storm", within: .seconds(20)) { storm.soFar.statuses["200"] ?? 0 > 200 }
        let start = ContinuousClock.now
        #expect(host.server.stop() == 0)
        #expect(start.duration(to: .now) < .seconds(5))
        try await host.eventually("nobody is there", within: .seconds(20)) { storm.soFar.refused > 0 }
        let result = try await storm.result()
        #expect(Array(result.statuses.keys) == ["200"])
        #expect(result.statuses["200"] ?? 0 > 100)
        #expect(result.cut == 0)
        #expect(result.refused > 0 && result.last == 0, "\(result)")
    }

    @Test func `a crash amid a storm loses requests in progress, and tokens stay valid`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let keeper = try StandingConnection(to: libvirtd.uri)
        let state = libvirtd.directory + "/state"
        let options = [
            "--requests-per-second", "100000", "--cpu-per-second", "64s", "--state-directory", state, "--tokens", "required",
        ]
        var host = try await Host(libvirtd: libvirtd, options: options)
        try host.define(1)
        let who = "X-Forwarded-For: \(Host.address(1))"
        func token() throws -> String {
            try Command.run([
                "curl", "-sf", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 600", "-H", who,
                host.url("/latest/api/token"),
            ]).stdout
        }
        try await host.eventually("it has a token") { try !token().isEmpty }
        let storm = try Storm(host, headers: "\(who)\r\nX-aws-ec2-metadata-token: \(try token())\r\n")
        for _ in 0..<2 {
            try await host.eventually("the storm", within: .seconds(20)) { storm.soFar.last > 200 }
            host.server.kill()
            host = try await Host(libvirtd: libvirtd, at: host.server.address, options: options)
        }
        try await host.eventually("the storm goes on", within: .seconds(20)) { storm.soFar.refused > 0 && storm.soFar.last > 200 }
        let result = try await storm.result()
        #expect(Array(result.statuses.keys) == ["200"], "\(result)")
        #expect(result.cut == 0)
        #expect(result.refused > 0)
        #expect(result.last > 100)
        _ = keeper
    }
}
