import Foundation
import Glibc
import TestSupport
import Testing

@testable import Guests

/// The memory that 8,192 connections of the worst kinds cost the server with its default limits: 256 MiB at most.
@Suite(.serialized, .enabled(if: !hasSanitizer, "A sanitizer's own memory is counted with the server's."))
struct WorstGuestsTests {
    private static let connections = 8192
    private static let guests = 64
    private static let most = 256 << 20

    /// What a guest sends on each of its connections; it reads nothing.
    enum Kind: String, CaseIterable {
        /// As much of a head as is allowed, in long fields: each byte of it is kept in a string.
        case halfSentHeads
        /// The same in one field.
        case halfSentField
        /// An incomplete body after such a head.
        case halfSentBodies
        /// Requests without end, whose replies are not read.
        case pipelines
        /// Unread user data.
        case unreadReplies
        /// Unread user data, and half a head after the request.
        case unreadRepliesAndHalfSentHeads
        /// Requests that wait for their domain, and more after each.
        case heldRequests

        var bytes: String {
            let fields = (0..<63).map {
                "field-\($0)-\(String(repeating: "n", count: 16)): \(String(repeating: "v", count: 210))\r\n"
            }.joined()
            let userData = "GET /latest/user-data HTTP/1.1\r\n"
            return switch self {
            case .halfSentHeads: userData + fields
            case .halfSentField: userData + "X: " + String(repeating: "x", count: 16_000)
            case .halfSentBodies:
                "POST /openstack/latest/password HTTP/1.1\r\nContent-Length: 1020\r\n" + fields.dropLast(300) + "\r\n\r\n"
                    + fields.prefix(1000)
            case .pipelines: String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 3000)
            case .unreadReplies: userData + "\r\n"
            case .unreadRepliesAndHalfSentHeads: userData + "\r\n" + userData + fields
            case .heldRequests: String(repeating: userData + fields.prefix(1500) + "\r\n", count: 8)
            }
        }
    }

    @Test(arguments: Kind.allCases) func `8,192 connections of one kind cost at most 256 MiB`(_ kind: Kind) async throws {
        try #require(Self.allowFiles(2 * Self.connections + 1024), "this user may not open as many files")
        let folder = FileManager.default.temporaryDirectory.appending(path: "worst-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (node, neighbours) = try Self.write(to: folder)
        let more =
            kind == .heldRequests
            ? ["--held-requests-per-caller", "128", "--held-requests", "8192", "--hold-timeout", "60s"] : []
        // A held request's domain is not known yet: it belongs to a second hypervisor, which does not exist.
        let late = kind == .heldRequests ? ["--connect", "qemu+unix:///system?socket=/nonexistent"] : []
        let server = try await ServerProcess("--neighbours", neighbours, more: more + late, node: "test://\(node)")
        if kind != .heldRequests { try await server.waitForLog("the inventory is complete") }
        let bytes = Array(kind.bytes.utf8)
        let all = try (0..<Self.connections).map { number in
            // The address of a known guest, or for held requests of an unknown one.
            let host = kind == .heldRequests ? 200 : 1
            return try server.connection(from: "127.0.\(host).\(1 + number % Self.guests)", window: 4096)
        }
        var sent = [Int](repeating: 0, count: all.count)
        var largest = 0
        for round in 0..<40 {
            for (index, connection) in all.enumerated() where sent[index] < bytes.count {
                sent[index] += connection.sendWithoutWaiting(bytes, from: sent[index])
            }
            largest = max(largest, try server.anonymousBytes())
            // Until the server has taken all it needs: from outside only the end of its growth shows that.
            if round >= 20, try server.anonymousBytes() < largest { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        print("\(kind): \(largest >> 20) MiB")
        #expect(largest <= Self.most, "\(largest >> 20) MiB")
        // And a guest that begins now is served, or closed because the connection limit is reached; the server lives.
        withExtendedLifetime(all) {}
        let end = try await server.stop()
        #expect(end.status == 0, "\(server.log.suffix(2000))")
    }

    /// As many guests, each with 100 KB of user data: a description for libvirt's test driver, and their addresses.
    private static func write(to folder: URL) throws -> (node: String, neighbours: String) {
        let data = String(repeating: "x", count: 100_000)
        let domains = (1...guests).map { number in
            """
            <domain type='test'><name>g\(number)</name><uuid>6a9b1c2d-0000-4000-8000-\(String(format: "%012d", number))</uuid>
            <memory>8192</memory><os><type>hvm</type></os>
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><userdata>\(data)</userdata></instance></metadata>
            <devices><interface type='bridge'><mac address='\(mac(number))'/><source bridge='br0'/></interface></devices></domain>
            """
        }
        let (node, neighbours) = (folder.appending(path: "node.xml"), folder.appending(path: "neighbours"))
        try Data("<node>\(domains.joined())</node>".utf8).write(to: node)
        let lines = (1...guests).map { "127.0.1.\($0) 0x1 0x2 \(mac($0)) * lo\n127.0.200.\($0) 0x1 0x2 \(mac(100 + $0)) * lo\n" }
        try Data(lines.joined().utf8).write(to: neighbours)
        return (node.path, neighbours.path)
    }

    private static func mac(_ number: Int) -> String { "52:54:00:00:01:" + String(format: "%02x", number) }

    /// Raises the number of files that this process may open.
    private static func allowFiles(_ count: Int) -> Bool {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limit) == 0 else { return false }
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, rlim_t(count)))
        return unsafe setrlimit(resource, &limit) == 0 && limit.rlim_cur >= rlim_t(count)
    }
}

extension ServerProcess {
    /// The anonymous memory of the process, in bytes.
    fileprivate func anonymousBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
}
