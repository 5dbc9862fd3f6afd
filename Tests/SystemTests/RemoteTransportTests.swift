import Foundation
import TestSupport
import Testing

/// A libvirtd that is reached as one on another host is. What stands between is a relay to its socket: libvirt's own client makes
/// the connection, speaks TLS and starts ssh as it would to any host.
@Suite(.timeLimit(.minutes(2)), .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct RemoteTransportTests {
    enum Transport: String, CaseIterable {
        case tcp, tls, ssh
    }

    private let libvirtd: PrivateLibvirtd

    init() throws {
        libvirtd = try PrivateLibvirtd()
    }

    @Test(arguments: Transport.allCases)
    func `domains are read, followed, and remembered when the way to them is lost`(transport: Transport) async throws {
        let relay = try await Relay(to: libvirtd, transport)
        let neighbours = try libvirtd.file("neighbours", Host.neighbours)
        let server = try await MetadataServer([
            "--connect", relay.uri, "--listen", "127.0.0.1:0", "--trust-forwarded-for", "127.0.0.1/32", "--neighbours",
            neighbours,
        ])
        let host = Host(libvirtd: libvirtd, server: server)
        try await host.eventually("the inventory is complete") { server.log.contains("the inventory is complete") }
        try host.define(1)
        try host.define(2)
        try await host.expect(1, "i-00000001")
        try host.libvirtd.virsh("destroy", "guest1")
        try await host.expect(1, nil)
        try await host.expect(2, "i-00000002")

        relay.stop()
        try await host.eventually("its end is told of") { server.log.contains("serving the last known state") }
        #expect(try host.ask(2) == "i-00000002")
    }

    @Test func `a server with another authority's certificate is refused, which is logged`() async throws {
        let relay = try await Relay(to: libvirtd, .tls)
        let other = try await Relay(to: libvirtd, .tls)
        let output = try Command.run([
            MetadataServer.executable, "tree", "guest1", "--connect", relay.uri(trusting: other),
        ])
        #expect(output.status != 0)
        #expect(output.stderr.contains("certificate"), "\(output)")
    }
}

/// Leads to a libvirtd's socket.
private final class Relay {
    let transport: RemoteTransportTests.Transport
    private let folder: String
    private var process: RunningProgram?
    private var port = 0

    /// Creates the transport's files, and listens.
    init(to libvirtd: PrivateLibvirtd, _ transport: RemoteTransportTests.Transport) async throws {
        self.transport = transport
        folder = libvirtd.directory + "/relay-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = folder + "/relay.py"
        try Self.script.write(toFile: script, atomically: true, encoding: .utf8)
        let socket = libvirtd.directory + "/libvirt-sock"
        if transport == .ssh {
            // It gets ssh's arguments: options, the host, and the command to run there.
            let ssh = "#!/bin/sh\ncase \" $* \" in *' elsewhere '*) ;; *) exit 1 ;; esac\nexec python3 \(script) pipe \(socket)\n"
            try ssh.write(toFile: folder + "/ssh", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/ssh")
            return
        }
        if transport == .tls { try makeCertificates() }
        let log = URL(filePath: folder + "/log")
        try Data().write(to: log)
        let command = ["python3", "-u", script, transport.rawValue, socket, folder]
        process = try RunningProgram(command, output: try FileHandle(forWritingTo: log))
        var said = ""
        let listens = try await eventually {
            said = try String(contentsOf: log, encoding: .utf8)
            port = Int(said.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
            return port != 0
        }
        try #require(listens, "\(said)")
    }

    /// Where libvirt finds it.
    var uri: String { uri(trusting: self) }

    /// The same, with another one's authority.
    func uri(trusting other: Relay) -> String {
        switch transport {
        case .tcp: "test+tcp://127.0.0.1:\(port)/default"
        case .tls: "test+tls://localhost:\(port)/default?pkipath=\(other.folder)"
        case .ssh: "test+ssh://elsewhere/default?command=\(folder)/ssh&proxy=netcat&socket=/run/libvirt/libvirt-sock"
        }
    }

    /// Ends it, and every connection through it.
    func stop() {
        process?.kill()
        guard transport == .ssh else { return }
        // The one that libvirt started: a child of the server, whose command line has this folder.
        _ = try? Command.run(["pkill", "-KILL", "-f", "\(folder)/relay.py"])
    }

    /// An authority, and by it a certificate for `localhost` and one for the client.
    private func makeCertificates() throws {
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        try Command.succeed(
            ["openssl", "req", "-x509", "-days", "2", "-subj", "/CN=authority"] + curve + [
                "-keyout", folder + "/cakey.pem", "-out", folder + "/cacert.pem",
            ])
        for (name, subject) in [("server", "localhost"), ("client", "client")] {
            let extensions = folder + "/\(name).ext"
            try "subjectAltName=DNS:\(subject)\nbasicConstraints=critical,CA:FALSE\n"
                .write(toFile: extensions, atomically: true, encoding: .utf8)
            try Command.succeed(
                ["openssl", "req", "-subj", "/CN=\(subject)"] + curve + [
                    "-keyout", folder + "/\(name)key.pem", "-out", folder + "/\(name).csr",
                ])
            try Command.succeed([
                "openssl", "x509", "-req", "-days", "2", "-in", folder + "/\(name).csr", "-CA", folder + "/cacert.pem", "-CAkey",
                folder + "/cakey.pem", "-CAcreateserial", "-extfile", extensions, "-out", folder + "/\(name)cert.pem",
            ])
        }
    }

    private static let script = """
        import os, select, socket, ssl, sys, threading

        how, path = sys.argv[1:3]

        def relay(read, write, source, pending):
            libvirtd = socket.socket(socket.AF_UNIX)
            libvirtd.connect(path)
            try:
                while True:
                    ready = [source] if pending() else select.select([source, libvirtd], [], [])[0]
                    if source in ready:
                        data = read(65536)
                        libvirtd.sendall(data)
                        if not data:
                            return
                    if libvirtd in ready:
                        data = libvirtd.recv(65536)
                        write(data)
                        if not data:
                            return
            except OSError:
                pass
            finally:
                libvirtd.close()

        if how == "pipe":
            relay(lambda count: os.read(0, count), lambda data: os.write(1, data), 0, lambda: 0)
            sys.exit()

        def serve(client):
            pending = lambda: 0
            if how == "tls":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(sys.argv[3] + "/servercert.pem", sys.argv[3] + "/serverkey.pem")
                context.load_verify_locations(sys.argv[3] + "/cacert.pem")
                context.verify_mode = ssl.CERT_REQUIRED
                # libvirt's client takes the next message for the confirmation.
                context.num_tickets = 0
                client = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                try:
                    client.do_handshake()
                except OSError:
                    # The client is to find out by itself what is wrong, not by a connection that ends under its hands.
                    raw = socket.socket(fileno=client.detach())
                    while raw.recv(4096):
                        pass
                    return
                pending = client.pending
                # As libvirtd says that it takes the client's certificate.
                client.sendall(b"\\1")
            relay(client.recv, client.sendall, client, pending)
            client.close()

        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1])
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """
}
