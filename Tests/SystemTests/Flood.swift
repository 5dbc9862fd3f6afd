import Foundation
import TestSupport

/// A guest that sends frames in another's name as fast as it can, for as long as a test holds this, but at most a minute.
final class Flood {
    private let process: RunningProgram

    /// - Parameters:
    ///   - mac: the source of the frames.
    ///   - destination: their destination; a group without members by default.
    init(from guest: BridgedHost.Guest, mac: String, to destination: String = "01:00:5e:00:00:77") throws {
        let script = """
            import socket, sys, time
            frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            frames.bind(("eth0", 0))
            octets = lambda text: bytes(int(pair, 16) for pair in text.split(":"))
            frame = octets(sys.argv[2]) + octets(sys.argv[1]) + b"\\x88\\xb5" + bytes(46)
            def burst():
                for _ in range(200):
                    try: frames.send(frame)
                    except OSError: pass
                time.sleep(0.001)
            for _ in range(10): burst()
            print("begun")
            end = time.monotonic() + 60
            while time.monotonic() < end: burst()
            """
        let output = Pipe()
        process = try RunningProgram(
            ["python3", "-u", "-c", script, mac, destination], in: guest.namespace, output: output.fileHandleForWriting)
        try? output.fileHandleForWriting.close()
        // It prints a line when it has started, or nothing if it ended before.
        _ = output.fileHandleForReading.availableData
    }

    func stop() { process.kill() }
}
