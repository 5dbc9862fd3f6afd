import Foundation
import TestSupport
import Testing

/// The notifications to the service manager that started the server; the test owns the manager's socket, and the protocol is
/// sd_notify(3)'s.
struct ManagerNoticesTests {
    /// Starts a server as a manager does, with a socket of either kind, and prints its notifications.
    private static let manager = """
        import os, signal, socket, subprocess, sys, tempfile
        program, node, neighbours, kind = sys.argv[1:]
        folder = tempfile.mkdtemp()
        name = folder + "/notify" if kind == "file" else "@virt-metadata-" + os.path.basename(folder)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(name.replace("@", "\\0", 1))
        manager.settimeout(15)
        server = subprocess.Popen(
            [program, "serve", "--connect", node, "--listen", "127.0.0.1:0", "--neighbours", neighbours,
             "--state-directory", folder + "/state"],
            env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"}, stderr=subprocess.DEVNULL)
        def until(word):
            while True:
                text = manager.recv(4096).decode()
                print(text.replace("\\n", " "), flush=True)
                if word in text: return text
        try:
            if "STATUS=Serving" not in until("READY=1"): until("STATUS=Serving")
            until("WATCHDOG=1"); until("WATCHDOG=1")
            server.send_signal(signal.SIGHUP)
            until("RELOADING=1"); until("READY=1")
            server.send_signal(signal.SIGTERM)
            until("STOPPING=1")
            print("status", server.wait(15))
        finally:
            if server.poll() is None: server.kill()
        """

    @Test(arguments: ["file", "abstract"]) func `the manager is notified of each change, and that the loops respond`(kind: String)
        throws
    {
        let output = try Command.run(
            ["python3", "-c", Self.manager, Program.path, Program.node, Program.fixtures + "/neighbours", kind],
            limit: .seconds(60))
        #expect(output.status == 0, "\(output.stderr)")
        let lines = output.stdout.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("READY=1 STATUS=") == true)
        #expect(lines.contains { $0.hasSuffix("STATUS=Serving 4 guests") }, "\(lines)")
        #expect(lines.count { $0 == "WATCHDOG=1" } >= 2)
        #expect(lines.contains { $0.firstMatch(of: /^RELOADING=1 MONOTONIC_USEC=\d+$/) != nil }, "\(lines)")
        #expect(lines.contains("STOPPING=1 STATUS=Stopping"))
        #expect(lines.last == "status 0")
    }
}
