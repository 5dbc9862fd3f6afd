import Common
import Foundation
import Identity
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Server

/// The files of keys, as a server finds or makes them.
@Suite struct SecretsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "secrets-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func load(_ change: (inout Secrets.Places) -> Void = { _ in }) throws -> Secrets {
        var places = Secrets.Places()
        places.directory = folder.path + "/state"
        change(&places)
        return try Secrets(places, logger: Logger(label: "secrets", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let file = folder.appending(path: name)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        return file.path
    }

    private func token(of secrets: Secrets) throws -> String {
        let uuid = try #require(InstanceUUID("11111111-2222-3333-4444-555555555555"))
        return secrets.tokens.token(for: uuid, lifetime: 60, at: 0, nonce: [UInt8](repeating: 0, count: 8))
    }

    private func problem(_ change: (inout Secrets.Places) -> Void) -> String {
        do {
            _ = try load(change)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func `both are made at the first start, for their owner alone, and are the same at the next`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (first, second) = (try load(), try load())
        #expect(try token(of: first) == token(of: second))
        let document = Array("a document".utf8)
        #expect(first.seal?.signature(document) == second.seal?.signature(document))
        #expect(first.seal?.signedDocument(document) == second.seal?.signedDocument(document))
        for name in ["token.key", "identity.pem"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/state/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/state").count == 2)
    }

    @Test func `a key that is the operator's is used, and one of another host's tokens is good`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = try Command.succeed(["openssl", "rand", "-base64", "32"])
        let path = try write(key, to: "shared")
        let (one, other) = (
            try load { $0.tokenKey = path }, try load { ($0.directory, $0.tokenKey) = (folder.path + "/2", path) }
        )
        #expect(try token(of: one) == token(of: other))
        #expect(try token(of: one) != token(of: load()))
    }

    @Test func `nothing is signed where the operator wants that`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try load { $0.identityKey = "none" }.seal == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state/identity.pem"))
    }

    @Test func `a file that is no key is named, with what would be one`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for text in ["", "x", "AAAA", "not base64 at all", String(repeating: "A", count: 100)] {
            let path = try write(text, to: "bad")
            #expect(
                problem { $0.tokenKey = path }
                    == "--token-key: \(path): is no key: write base64 of 32 random bytes, by 'openssl rand -base64 32 > \(path)'")
            #expect(problem { $0.identityKey = path }.hasPrefix("--identity-key: \(path): "))
        }
        let open = try write(String(repeating: "A", count: 44), to: "open", mode: 0o644)
        #expect(
            problem { $0.tokenKey = open }
                == "--token-key: \(open): others may read or write it (mode 644); keep them out by 'chmod 600 \(open)'")
    }

    @Test func `a place that the operator named must be usable`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try write("", to: "file")
        #expect(problem { $0.directory = file }.hasPrefix("--token-key: \(file)/token.key: "))
        #expect(problem { $0.tokenKey = "/proc/no-such/key" }.hasPrefix("--token-key: /proc/no-such/key: "))
    }

    @Test func `a document is signed once, however often it is asked for`() {
        let count = Atomic(0)
        let once = OncePerDocument { document in
            count.add(1, ordering: .relaxed)
            return "signed \(document.count)"
        }
        for _ in 0..<3 { #expect(once.text(of: [1, 2]) == "signed 2") }
        #expect(once.text(of: [1]) == "signed 1")
        #expect(count.load(ordering: .relaxed) == 2)
        // What is kept has a limit.
        for number in 0..<3000 { _ = once.text(of: [UInt8(number & 0xFF), UInt8(number >> 8), 0]) }
        #expect(once.text(of: [1, 2]) == "signed 2")
        #expect(count.load(ordering: .relaxed) == 3003)
    }
}
