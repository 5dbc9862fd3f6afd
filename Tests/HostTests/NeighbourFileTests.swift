import Common
import Foundation
import TestSupport
import Testing

@testable import Host

/// A clock that a test moves, and a file that it writes.
private final class Desk: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "neighbours-\(UUID().uuidString)").path
    private let time = Locked(ContinuousClock.now)

    init(_ text: String) throws { try write(text) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }
    func wait(_ duration: Duration) { time.withLock { $0 += duration } }
    func file() throws(NeighbourFileError) -> NeighbourFile {
        try NeighbourFile(path: path) { self.time.withLock { $0 } }
    }
}

private let header = "IP address       HW type     Flags       HW address            Mask     Device\n"
private let guest = IPAddress(v4: 0x0A09_0002)

private func line(_ address: String, _ mac: String, flags: String = "0x2") -> String {
    "\(address)         0x1         \(flags)         \(mac)     *        br0\n"
}

struct NeighbourFileTests {
    @Test func `a table of the kernel is read with or without its first line`() throws {
        let entry = line("10.9.0.2", "52:54:00:00:00:09")
        for text in [header + entry, entry, "# by hand\n\n" + entry + "  \n", header + entry.replacing("\n", with: "\r\n")] {
            #expect(try Desk(text).file().mac(of: guest) == MACAddress("52:54:00:00:00:09"))
        }
    }

    @Test(.enabled(if: NetworkNamespace.isAvailable, "needs root"))
    func `the kernel's own table is read as it writes it`() throws {
        let host = try NetworkNamespace()
        try host.addBridge("br0")
        try host.run("ip", "neighbour", "add", "\(guest)", "lladdr", "52:54:00:00:00:09", "dev", "br0")
        let text = try host.run("cat", "/proc/net/arp")
        #expect(try Desk(text).file().mac(of: guest) == MACAddress("52:54:00:00:00:09"), "\(text)")
    }

    @Test func `an IPv6 address is found regardless of its zone`() throws {
        let file = try Desk(line("fe80::9%eth0", "52:54:00:00:00:09") + line("fd09::2", "52:54:00:00:00:0a")).file()
        #expect(file.mac(of: try #require(IPAddress("fe80::9%br0"))) == MACAddress("52:54:00:00:00:09"))
        #expect(file.mac(of: try #require(IPAddress("fd09:0::2"))) == MACAddress("52:54:00:00:00:0a"))
    }

    @Test func `an address with two hardware addresses is unknown, with one twice it is known`() throws {
        let (nine, ten) = (line("10.9.0.2", "52:54:00:00:00:09"), line("10.9.0.2", "52:54:00:00:00:0a"))
        #expect(try Desk(nine + nine).file().mac(of: guest) == MACAddress("52:54:00:00:00:09"))
        #expect(try Desk(nine + ten).file().mac(of: guest) == nil)
        #expect(try Desk(nine + ten + nine).file().mac(of: guest) == nil)
    }

    @Test func `an incomplete entry is ignored`() throws {
        let bad = line("10.9.0.2", "52:54:00:00:00:66", flags: "0x0") + line("10.9.0.2", "00:00:00:00:00:00")
        #expect(try Desk(bad).file().mac(of: guest) == nil)
        #expect(try Desk(bad + line("10.9.0.2", "52:54:00:00:00:09")).file().mac(of: guest) == MACAddress("52:54:00:00:00:09"))
    }

    @Test(arguments: [
        ("10.9.0.2 0x1 0x2 52:54:00:00:00:09 *", "5 columns: expected 6"),
        ("10.9.0 0x1 0x2 52:54:00:00:00:09 * br0", "'10.9.0' is not a valid IP address"),
        ("10.9.0.2 1 0x2 52:54:00:00:00:09 * br0", "'1 0x2': expected two hexadecimal numbers with 0x"),
        ("10.9.0.2 0x1 0x 52:54:00:00:00:09 * br0", "'0x1 0x': expected two hexadecimal numbers with 0x"),
        ("10.9.0.2 0x1 0x2 52:54:00:00:09 * br0", "'52:54:00:00:09' is not a valid MAC address"),
    ])
    func `a malformed line is named with its file`(bad: String, message: String) throws {
        let desk = try Desk(header + line("10.9.0.3", "52:54:00:00:00:03") + bad + "\n")
        let error = #expect(throws: NeighbourFileError.self) { try desk.file() }
        #expect(error == NeighbourFileError(path: desk.path, line: 3, message: message))
        #expect(error?.description == "\(desk.path):3: \(message)")
    }

    @Test func `a file that cannot be read is named`() {
        #expect(throws: NeighbourFileError(path: "/nowhere/arp", line: nil, message: "No such file or directory")) {
            try NeighbourFile(path: "/nowhere/arp")
        }
        #expect(throws: NeighbourFileError(path: "/dev/zero", line: nil, message: "Invalid argument")) {
            try NeighbourFile(path: "/dev/zero")
        }
    }

    @Test func `a changed file is read again, after a second at most`() throws {
        let desk = try Desk(line("10.9.0.2", "52:54:00:00:00:09"))
        let file = try desk.file()
        try desk.write(line("10.9.0.2", "52:54:00:00:00:0a") + "\n")
        desk.wait(.milliseconds(900))
        #expect(file.mac(of: guest) == MACAddress("52:54:00:00:00:09"))
        desk.wait(.milliseconds(100))
        #expect(file.mac(of: guest) == MACAddress("52:54:00:00:00:0a"))
    }

    @Test func `a malformed or missing file keeps the last valid content`() throws {
        let desk = try Desk(line("10.9.0.2", "52:54:00:00:00:09"))
        let file = try desk.file()
        try desk.write("nonsense\n")
        desk.wait(.seconds(2))
        #expect(file.mac(of: guest) == MACAddress("52:54:00:00:00:09"))
        try FileManager.default.removeItem(atPath: desk.path)
        desk.wait(.seconds(2))
        #expect(file.mac(of: guest) == MACAddress("52:54:00:00:00:09"))
        try desk.write(line("10.9.0.3", "52:54:00:00:00:0b"))
        desk.wait(.seconds(2))
        #expect(file.mac(of: guest) == nil)
    }
}
