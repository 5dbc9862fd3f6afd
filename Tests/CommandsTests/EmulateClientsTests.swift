import Foundation
import TestSupport
import Testing

/// `virt-metadata emulate` with several sources at one port, and on several addresses.
@Suite struct EmulateClientsTests {
    private static let fixtures = "\(Program.fixtures)/instances"

    // MARK: Clients by address

    @Test func `--as serves several sources at one port, each to its addresses`() async throws {
        let emulator = try await RunningEmulator(
            "--as", "127.0.0.2,127.0.0.4=\(Self.fixtures)/rich", "--as", "127.0.0.3=\(Self.fixtures)/minimal", "--access-log",
            "FOLDER/log")
        #expect(emulator.ready.instances.map(\.name) == ["web", "min"])
        #expect(emulator.ready.instances.map(\.clients) == [["127.0.0.2", "127.0.0.4"], ["127.0.0.3"]])
        #expect(Set(emulator.ready.instances.map(\.url)) == [emulator.ready.url])
        #expect(emulator.output == emulator.ready.instances.map { "\($0.name): \($0.url)\n" }.joined())
        let found = try [2, 4, 3, 1].map { number in
            try Command.run([
                "curl", "-s", "--interface", "127.0.0.\(number)", "-w", " %{http_code}",
                "\(emulator.ready.url)/latest/meta-data/instance-id",
            ]).stdout
        }
        #expect(found == ["i-0000002a 200", "i-0000002a 200", "i-00000000000040008 200", "404 Not Found 404"])
        let log = try emulator.text(of: "log").split(separator: "\n")
        #expect(log.count == 4 && log[2].contains(#""instance": "min""#) && log[3].contains(#""instance": null"#))
    }

    @Test func `--print-url prints the URL of one port once, also beside a source for all others`() async throws {
        let emulator = try await RunningEmulator(
            "--print-url", "--as", "127.0.0.2=\(Self.fixtures)/rich", "\(Self.fixtures)/minimal")
        #expect(emulator.output == "\(emulator.ready.url)\n")
        #expect(emulator.ready.instances.map(\.name) == ["web", "min"])
        #expect(emulator.ready.instances.map(\.clients) == [["127.0.0.2"], nil])
        #expect(try emulator.client().request("GET", "/latest/meta-data/instance-id").text == "i-00000000000040008")
    }

    @Test func `in the namespace of a command several instances have the address of clouds`() async throws {
        let script = """
            for address in 127.0.0.2 127.0.0.3; do
              curl -sS -m 5 --interface $address http://169.254.169.254/latest/meta-data/instance-id; echo
            done
            """
        let run = try await Program.run(
            "emulate", "--as", "127.0.0.2=\(Self.fixtures)/rich", "--as", "127.0.0.3=\(Self.fixtures)/minimal", "--", "sh", "-c",
            script)
        #expect(run.stdout == "i-0000002a\ni-00000000000040008\n" && run.status == 0, "\(run.stderr)")
    }

    @Test func `an address that no client can have is a warning`() async throws {
        let emulator = try await RunningEmulator("--as", "::1,127.0.0.2=\(Self.fixtures)/rich")
        let reason = "no client can connect from this address, because there is no IPv6 listen address: add --listen ::1"
        #expect(emulator.output == "virt-metadata: --as ::1: \(reason)\nweb: \(emulator.ready.url)\n")
        let dual = try await RunningEmulator("--quiet", "--as", "::1,127.0.0.2=\(Self.fixtures)/rich", "--listen", "::")
        #expect(dual.output == "")
    }

    // MARK: Ports

    @Test func `a port that is taken on one of several addresses is not chosen`() async throws {
        let line = """
            ip link set lo up; echo '40000 40003' > /proc/sys/net/ipv4/ip_local_port_range
            exec python3 - "$0" <<'END'
            import socket, subprocess, sys
            taken = [socket.socket() for _ in range(3)]
            for number, holder in enumerate(taken): holder.bind(("127.0.0.2", 40000 + number))
            command = [sys.argv[1], "emulate", "--listen", "127.0.0.1", "--listen", "127.0.0.2", "--print-url", "--no-namespace"]
            sys.exit(subprocess.run(command + ["--", "true"]).returncode)
            END
            """
        let run = try Command.run(["unshare", "-Urn", "sh", "-c", line, Program.path], limit: .seconds(20))
        #expect(run.stdout == "http://127.0.0.1:40003\n" && run.status == 0, "\(run.stderr)")
    }
}
