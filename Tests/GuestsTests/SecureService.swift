import Foundation
import TestSupport

@testable import Guests

/// A vendor data target over TLS on a port of 127.0.0.1, with a certificate for `localhost` that it makes itself. It is Python's
/// server, because the client's own library would hardly find its own faults.
final class SecureService: Sendable {
    private let folder: URL
    private let process: RunningProgram
    let port: Int

    /// Starts the service and waits until it listens.
    init(saying body: String) async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "secure-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let log = folder.appending(path: "log")
        try Data().write(to: log)
        try Command.succeed([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.appending(path: "key").path, "-out",
            folder.appending(path: "certificate").path,
        ])
        process = try RunningProgram(
            ["/usr/bin/python3", "-u", "-c", Self.script, folder.path, body], output: try FileHandle(forWritingTo: log))
        var port: Int?
        _ = try await eventually(within: .seconds(15)) {
            port = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").first.flatMap { Int($0) }
            return port != nil
        }
        guard let port else {
            throw ServerProcess.Failure(description: "it does not listen: \(try String(contentsOf: log, encoding: .utf8))")
        }
        self.port = port
    }

    deinit {
        process.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    /// The file of its certificate.
    var certificate: String { folder.appending(path: "certificate").path }

    var requests: Int {
        ((try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "").split(separator: "\n")
            .count { $0.hasPrefix("POST") }
    }

    private static let script = """
        import http.server, ssl, sys

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                print("POST", self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(sys.argv[2])))
                self.end_headers()
                self.wfile.write(sys.argv[2].encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1] + "/certificate", sys.argv[1] + "/key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        print(server.server_port)
        server.serve_forever()
        """
}
