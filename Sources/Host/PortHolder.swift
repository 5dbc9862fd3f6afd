package import Common
import Glibc

/// A process that listens on a TCP port.
package struct PortHolder: Sendable, Hashable {
    /// The process ID, in the PID namespace of `/proc`; `nil` where no process that may be inspected has the socket.
    package let process: Int32?
    /// The process name in `/proc/PID/comm`, at most 15 bytes; `nil` where the process is unknown.
    package let name: String?
    /// The address it listens on; `0.0.0.0` or `::` for all.
    package let address: IPAddress

    /// The most bytes of the kernel's list of sockets: some 400,000 lines.
    package static let mostBytes = 64 << 20

    /// The processes that listen on a port, in the network namespace of the calling thread, by `/proc/net/tcp`, `/proc/net/tcp6`
    /// (proc(5)) and the descriptors of every process; processes are only searched if there is a listener.
    /// - Throws: `KernelError` with the code of `open(2)` or `read(2)`.
    package static func all(ofPort port: UInt16) throws(KernelError) -> [PortHolder] {
        var listeners: [UInt64: IPAddress] = [:]
        for file in ["tcp", "tcp6"] {
            do throws(KernelError) {
                let (_, bytes) = try FileVersion.read("/proc/thread-self/net/\(file)", mostBytes: mostBytes)
                listeners.merge(Self.listeners(in: String(decoding: bytes, as: UTF8.self), onPort: port)) { first, _ in first }
            } catch {
                // A kernel without IPv6 has no tcp6.
                guard error.code == .noSuchEntry else { throw error }
            }
        }
        guard !listeners.isEmpty else { return [] }
        let owners = owners(of: Set(listeners.keys))
        return listeners.sorted { $0.key < $1.key }.flatMap { inode, address in
            (owners[inode] ?? [nil]).map { PortHolder(process: $0, name: $0.flatMap(Self.name), address: address) }
        }
    }

    /// The inodes of the sockets that listen on a port, and the address of each. Malformed lines are skipped.
    ///
    /// The columns: number, local address and port in hexadecimal, the remote ones, the state (`0A` listens), queues, timers,
    /// retransmissions, user, timeout, inode. An address is 32-bit words in the byte order of the machine.
    package static func listeners(in table: String, onPort port: UInt16) -> [UInt64: IPAddress] {
        var found: [UInt64: IPAddress] = [:]
        for line in table.split(separator: "\n").dropFirst() {
            let columns = line.split(separator: " ")
            guard columns.count >= 10, columns[3] == "0A", let inode = UInt64(columns[9]), inode != 0 else { continue }
            let local = columns[1].split(separator: ":")
            guard local.count == 2, UInt16(local[1], radix: 16) == port, let address = address(local[0]) else { continue }
            found[inode] = address
        }
        return found
    }

    private static func address(_ text: Substring) -> IPAddress? {
        var (octets, rest): ([UInt8], Substring) = ([], text)
        while !rest.isEmpty {
            guard rest.utf8.count >= 8, let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            octets += (0..<4).map { UInt8(truncatingIfNeeded: word.littleEndian >> (8 * $0)) }
            rest = rest.dropFirst(8)
        }
        // Of IPv6 addresses only an IPv4-mapped one becomes IPv4; `::` stays IPv6.
        return IPAddress(octets: octets)
    }

    /// The processes that have these sockets open. Processes that end meanwhile, or that may not be inspected, are ignored.
    private static func owners(of sockets: Set<UInt64>) -> [UInt64: [Int32?]] {
        var owners: [UInt64: [Int32?]] = [:]
        for process in Directory.names(at: "/proc").compactMap({ Int32($0) }) {
            var own: Set<UInt64> = []
            for descriptor in Directory.names(at: "/proc/\(process)/fd") {
                guard let inode = socket(at: "/proc/\(process)/fd/\(descriptor)"), sockets.contains(inode) else { continue }
                own.insert(inode)
            }
            for inode in own { owners[inode, default: []].append(process) }
        }
        return owners
    }

    /// The inode in a descriptor's link target `socket:[INODE]`.
    private static func socket(at path: String) -> UInt64? {
        var target = [CChar](repeating: 0, count: 64)
        // Safe: readlink(2) reads the path up to its zero and writes at most as many bytes as the array has.
        let length = unsafe readlink(path, &target, target.count)
        guard length > 0 else { return nil }
        let text = String(decoding: target.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard text.hasPrefix("socket:["), text.hasSuffix("]") else { return nil }
        return UInt64(text.dropFirst(8).dropLast())
    }

    private static func name(of process: Int32) -> String? {
        guard let (_, bytes) = try? FileVersion.read("/proc/\(process)/comm", mostBytes: 64) else { return nil }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
