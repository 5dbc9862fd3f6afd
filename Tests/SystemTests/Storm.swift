import Foundation
import TestSupport
import Testing

/// Guests that send requests all the time, a connection for each, until a test ends them; two minutes at most.
final class Storm {
    /// The outcomes of their requests.
    struct Result: Decodable {
        /// How many whole replies had which status.
        let statuses: [String: Int]
        /// Truncated replies.
        let cut: Int
        /// Connections that were refused, or that ended before any reply.
        let refused: Int
        /// Whole replies since the last connection that was refused.
        let last: Int
    }

    private let process: RunningProgram
    private let file: String

    /// Starts to send requests to the server of a host, eight requests at a time, with headers that end in CRLF.
    init(_ host: Host, headers: String = "") throws {
        file = host.libvirtd.directory + "/storm-\(UUID().uuidString.prefix(8))"
        let head = "GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(headers)\r\n"
        process = try RunningProgram(["python3", "-c", Self.script, host.server.address, head, file])
    }

    /// The outcomes so far.
    var soFar: Result { (try? read()) ?? Result(statuses: [:], cut: 0, refused: 0, last: 0) }

    /// Ends the requests, and returns all outcomes.
    func result() async throws -> Result {
        try Data().write(to: URL(filePath: file + ".over"))
        try #require(try await eventually(within: .seconds(60)) { !process.isRunning })
        return try read()
    }

    private func read() throws -> Result {
        try JSONDecoder().decode(Result.self, from: try Data(contentsOf: URL(filePath: file)))
    }

    private static let script = #"""
        import json, os, re, socket, sys, threading, time

        where, head, file = sys.argv[1:]
        address, _, port = where.rpartition(":")
        end = time.monotonic() + 120
        statuses, cut, refused, last = {}, 0, 0, 0
        lock = threading.Lock()

        def is_over(): return os.path.exists(file + ".over") or time.monotonic() > end

        def tell():
            with lock, open(file + ".new", "w") as out:
                json.dump({"statuses": statuses, "cut": cut, "refused": refused, "last": last}, out)
            os.replace(file + ".new", file)

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
            while not is_over():
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
        while not is_over():
            tell()
            time.sleep(0.02)
        for one in guests: one.join()
        tell()
        """#
}
