import Foundation
import TestSupport

/// Guests that ask all the time, a connection for each request, until a moment is over.
final class Storm {
    /// What became of their requests.
    struct Result: Decodable {
        /// How many whole replies had which status.
        let statuses: [String: Int]
        /// Replies that ended before their end.
        let cut: Int
        /// Connections that nobody took, or that ended before any reply.
        let refused: Int
        /// Whole replies since the last connection that was refused.
        let last: Int
    }

    private let process: RunningProgram
    private let output: URL

    /// Begins to ask the server of a host, eight requests at a time, with headers that end in CRLF.
    init(_ host: Host, headers: String = "", seconds: Int) throws {
        output = URL(filePath: host.libvirtd.directory + "/storm-\(UUID().uuidString.prefix(8))")
        try Data().write(to: output)
        let head = "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(headers)\r\n"
        process = try RunningProgram(
            ["python3", "-c", Self.script, host.server.address, head, "\(seconds)"],
            output: try FileHandle(forWritingTo: output))
    }

    /// What became of them, once their time is over.
    func result() async throws -> Result {
        for _ in 0..<6000 where process.isRunning { try await Task.sleep(for: .milliseconds(20)) }
        return try JSONDecoder().decode(Result.self, from: try Data(contentsOf: output))
    }

    private static let script = #"""
        import json, re, socket, sys, threading, time

        where, head, seconds = sys.argv[1:]
        address, _, port = where.rpartition(":")
        end = time.monotonic() + int(seconds)
        statuses, cut, refused, last = {}, 0, 0, 0
        lock = threading.Lock()

        def ask():
            reply = b""
            try:
                with socket.create_connection((address, int(port)), 30) as guest:
                    guest.sendall(head.encode())
                    while part := guest.recv(4096): reply += part
            except ConnectionError: pass
            return reply

        def guest():
            global cut, refused, last
            while time.monotonic() < end:
                reply = ask()
                found = re.match(rb"HTTP/1.1 (\d+) .*?\r\nContent-Length: (\d+)\r\n.*?\r\n\r\n(.*)", reply, re.S | re.I)
                with lock:
                    if not reply: refused, last = refused + 1, 0
                    elif not found or len(found[3]) != int(found[2]): cut += 1
                    else:
                        status = found[1].decode()
                        statuses[status] = statuses.get(status, 0) + 1
                        last += 1
                if not reply: time.sleep(0.01)

        guests = [threading.Thread(target=guest) for _ in range(8)]
        for one in guests: one.start()
        for one in guests: one.join()
        print(json.dumps({"statuses": statuses, "cut": cut, "refused": refused, "last": last}))
        """#
}
