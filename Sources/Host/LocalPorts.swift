package import Common
import Glibc

/// The TCP ports of this host with sockets in any state but TIME-WAIT, whether a process still owns them or not.
package enum LocalPorts {
    /// The most bytes of the kernel's list of sockets: some 400,000 lines.
    private static let mostBytes = 64 << 20
    /// The state in which no data is sent any more (`TCP_TIME_WAIT` of `<netinet/tcp.h>`).
    private static let timeWait = "06"

    /// The ports with sockets that may still send data, in the network namespace of the calling thread, by
    /// `/proc/net/tcp` and `/proc/net/tcp6` (proc(5)). Sockets of an ended process remain as long as their peers do not read.
    /// - Throws: `KernelError` with the code of `open(2)` or `read(2)`; `.fileTooBig` where there are too many.
    package static func inUse() throws(KernelError) -> Set<UInt16> {
        var ports: Set<UInt16> = []
        for file in ["tcp", "tcp6"] {
            do throws(KernelError) {
                let (_, bytes) = try FileVersion.read("/proc/thread-self/net/\(file)", mostBytes: mostBytes)
                ports.formUnion(Self.ports(in: bytes))
            } catch {
                // A kernel without IPv6 has no tcp6.
                guard error.code == .noSuchEntry else { throw error }
            }
        }
        return ports
    }

    /// The local ports in a list: the second column of each line ends with the port in hexadecimal, and the fourth is the state. Malformed lines are
    /// skipped.
    package static func ports(in table: [UInt8]) -> Set<UInt16> {
        var ports: Set<UInt16> = []
        for line in table.split(separator: UInt8(ascii: "\n")).dropFirst() {
            let columns = line.split(separator: UInt8(ascii: " "), maxSplits: 4)
            guard columns.count == 5, !columns[3].elementsEqual(timeWait.utf8),
                let colon = columns[1].lastIndex(of: UInt8(ascii: ":")),
                let port = UInt16(String(decoding: columns[1][(colon + 1)...], as: UTF8.self), radix: 16)
            else { continue }
            ports.insert(port)
        }
        return ports
    }
}
