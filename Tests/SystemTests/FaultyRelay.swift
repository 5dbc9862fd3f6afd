import Foundation
import TestSupport

/// A way to a libvirtd on which libvirt's own messages are lost, late, doubled or out of order.
///
/// It reads their frames (`src/rpc/virnetprotocol.x` of libvirt): the length, the program, its version, the procedure, the type, a
/// serial number and the status, four bytes each.
final class FaultyRelay {
    enum Fault {
        /// No event arrives.
        case eventsLost
        /// Events are gathered, and each arrives twice, in any order.
        case eventsShuffled
        /// The XML of this domain is delayed by this number of seconds, so many times.
        case slow(uuid: String, seconds: Int, times: Int = .max)

        fileprivate var words: [String] {
            switch self {
            case .eventsLost: ["lost"]
            case .eventsShuffled: ["shuffled"]
            case .slow(let uuid, let seconds, let times): ["slow", uuid, "\(seconds)", "\(times)"]
            }
        }
    }

    /// Where libvirt finds it.
    let uri: String
    private let process: RunningProgram
    private let log: URL

    init(to libvirtd: PrivateLibvirtd, _ fault: Fault) async throws {
        let socket = "\(libvirtd.directory)/relay-\(UUID().uuidString.prefix(8))"
        uri = "test+unix:///default?socket=\(socket)"
        log = URL(filePath: socket + ".log")
        try Data().write(to: log)
        let script = try libvirtd.file("relay.py", Self.script)
        process = try RunningProgram(
            ["python3", "-u", script, socket, libvirtd.directory + "/libvirt-sock"] + fault.words,
            output: try FileHandle(forWritingTo: log))
        _ = try await eventually { FileManager.default.fileExists(atPath: socket) }
    }

    deinit { process.kill() }

    /// Ends the connections that go through it; others can be made.
    func breakConnections() { kill(process.identifier, SIGUSR1) }

    /// A line for each fault that it caused.
    var done: [Substring] { ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n") }

    private static let script = #"""
        import random, signal, socket, struct, sys, threading, time, uuid

        place, target, fault, *words = sys.argv[1:]
        REMOTE, CALL, REPLY, EVENT, GET_XML = 0x20008086, 0, 1, 2, 14
        random.seed(1)
        slowed = []

        def frames(source):
            data = b""
            while part := source.recv(1 << 16):
                data += part
                while len(data) >= 4 and len(data) >= (length := int.from_bytes(data[:4], "big")):
                    yield data[:length]
                    data = data[length:]

        class Way:
            def __init__(self, client):
                self.client, self.daemon = client, socket.socket(socket.AF_UNIX)
                self.daemon.connect(target)
                self.lock, self.held, self.slow = threading.Lock(), [], set()
                for step in (self.calls, self.answers, self.release):
                    threading.Thread(target=self.safely, args=(step,), daemon=True).start()

            def safely(self, step):
                try: step()
                except OSError: pass
                for end in (self.client, self.daemon):
                    try: end.shutdown(socket.SHUT_RDWR)
                    except OSError: pass

            def calls(self):
                for frame in frames(self.client):
                    program, _, procedure, kind, serial, _ = struct.unpack(">6I", frame[4:28])
                    if fault == "slow" and program == REMOTE and procedure == GET_XML and uuid.UUID(words[0]).bytes in frame:
                        if len(slowed) < int(words[2]):
                            slowed.append(serial)
                            self.slow.add(serial)
                    self.daemon.sendall(frame)

            def send(self, frame):
                with self.lock: self.client.sendall(frame)

            def late(self, frame):
                try: self.send(frame)
                except OSError: pass

            def answers(self):
                for frame in frames(self.daemon):
                    program, _, procedure, kind, serial, _ = struct.unpack(">6I", frame[4:28])
                    if program == REMOTE and kind == EVENT and fault == "lost":
                        print("lost")
                    elif program == REMOTE and kind == EVENT and fault == "shuffled":
                        with self.lock: self.held += [frame, frame]
                    elif program == REMOTE and kind == REPLY and serial in self.slow:
                        self.slow.discard(serial)
                        print("slow")
                        threading.Timer(int(words[1]), self.late, (frame,)).start()
                    else:
                        self.send(frame)

            def release(self):
                # Several events wait for each other, however slowly they come; the last ones not for more than two seconds.
                patience = 0
                while fault == "shuffled":
                    time.sleep(0.1)
                    with self.lock:
                        patience = patience + 1 if self.held else 0
                        if len(self.held) < 6 and patience < 20: continue
                        held, self.held, patience = self.held, [], 0
                        if held: print("shuffled", len(held))
                        random.shuffle(held)
                        self.client.sendall(b"".join(held))
                threading.Event().wait()

        listener = socket.socket(socket.AF_UNIX)
        listener.bind(place)
        listener.listen()
        ways = []
        def end_all(*_):
            for way in ways:
                try: way.client.shutdown(socket.SHUT_RDWR)
                except OSError: pass
        signal.signal(signal.SIGUSR1, end_all)
        # Whoever started this may have had it blocked.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        while True: ways.append(Way(listener.accept()[0]))
        """#
}
