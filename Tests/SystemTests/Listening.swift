import Foundation
import TestSupport

/// A foreign program that listens on a port of a host, and answers every request with the same text.
final class Listening {
    private let process: RunningProgram

    init(in namespace: NetworkNamespace, port: Int, address: String = "", text: String = "other") throws {
        let script = """
            import http.server, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(sys.argv[3].encode())
                def log_message(self, *_): pass
            http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
            """
        let command = ["python3", "-c", script, address, "\(port)", text]
        process = try RunningProgram(command, in: namespace, output: FileHandle.nullDevice)
        let start = ContinuousClock.now
        while try Command.run(["ss", "-Hltn", "sport = :\(port)"], in: namespace.name).stdout.isEmpty {
            guard start.duration(to: .now) < .seconds(10), process.isRunning else {
                throw Command.Failure.tookTooLong(arguments: command, limit: .seconds(10))
            }
        }
    }

    func stop() { process.kill() }
}

/// The cloud that a host is itself an instance of: behind an uplink, it answers for the metadata address.
final class Cloud {
    private let namespace: NetworkNamespace
    private let metadata: Listening

    /// A host's request to its cloud.
    let question = ["curl", "-s", "--max-time", "5", "http://169.254.169.254/"]

    init(of host: NetworkNamespace) throws {
        namespace = try NetworkNamespace()
        try host.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", namespace.name)
        try host.run("ip", "address", "add", "198.51.100.2/24", "dev", "uplink")
        try host.run("ip", "link", "set", "uplink", "up")
        try namespace.run("ip", "address", "add", "198.51.100.1/24", "dev", "eth0")
        try namespace.run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
        try namespace.run("ip", "link", "set", "eth0", "up")
        try namespace.run("ip", "route", "add", "192.0.2.0/24", "via", "198.51.100.2")
        try host.run("ip", "route", "add", "169.254.169.254/32", "via", "198.51.100.1")
        try host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        metadata = try Listening(in: namespace, port: 80, text: "the host's own")
    }

    func stop() { metadata.stop() }
}
