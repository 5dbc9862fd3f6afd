import Common
import Foundation
import Identity
import Logging
import TestSupport
import Testing

/// The files of keys, as a server finds or creates them.
@Suite struct SecretsTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "secrets-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func load(_ change: (inout Secrets.Locations) -> Void = { _ in }) throws -> Secrets {
        var locations = Secrets.Locations()
        locations.directory = folder.path + "/state"
        change(&locations)
        return try Secrets(locations, logger: Logger(label: "secrets", factory: { _ in SwiftLogNoOpLogHandler() }))
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

    private func problem(_ change: (inout Secrets.Locations) -> Void) -> String {
        do {
            _ = try load(change)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    @Test func `both are created at the first start, readable by their owner only, and are the same at the next`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (first, second) = (try load(), try load())
        #expect(try token(of: first) == token(of: second))
        let document = Array("a document".utf8)
        #expect(try #require(first.signer).signature(of: document) == #require(second.signer).signature(of: document))
        #expect(try #require(first.signer).signedData(of: document) == #require(second.signer).signedData(of: document))
        for name in ["token.key", "identity.pem"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/state/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/state").count == 2)
    }

    @Test func `the operator's key is used, and another host's token is valid`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = try Command.succeed(["openssl", "rand", "-base64", "32"])
        let path = try write(key, to: "shared")
        let (one, other) = (
            try load { $0.tokenKey = path }, try load { ($0.directory, $0.tokenKey) = (folder.path + "/2", path) }
        )
        #expect(try token(of: one) == token(of: other))
        #expect(try token(of: one) != token(of: load()))
    }

    @Test func `nothing is signed where the operator disables it`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try load { $0.identityKey = "none" }.signer == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/state/identity.pem"))
    }

    @Test func `an invalid key file is named, with what is expected`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for text in ["", "x", "AAAA", "not base64 at all", String(repeating: "A", count: 100)] {
            let path = try write(text, to: "bad")
            #expect(
                problem { $0.tokenKey = path }
                    == "--token-key: \(path): invalid key: expected base64 of 32 bytes; create it: openssl rand -base64 32 > \(path)"
            )
            #expect(problem { $0.identityKey = path }.hasPrefix("--identity-key: \(path): "))
        }
        let open = try write(String(repeating: "A", count: 44), to: "open", mode: 0o644)
        #expect(
            problem { $0.tokenKey = open }
                == "--token-key: \(open): accessible by other users (mode 644); run: chmod 600 \(open)")
    }

    @Test(arguments: ["token-key", "identity-key"])
    func `a file that the operator names must exist, and is not created`(setting: String) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/named"
        func change(_ locations: inout Secrets.Locations) {
            if setting == "token-key" { locations.tokenKey = path } else { locations.identityKey = path }
        }
        let text = problem(change)
        let beginning = "--\(setting): \(path): no such file; create it: "
        #expect(text.hasPrefix(beginning))
        #expect(!FileManager.default.fileExists(atPath: path))
        var locations = Secrets.Locations()
        change(&locations)
        #expect(Secrets.problems(locations).map(\.description) == [text])
        // The remedy is one.
        let command = try #require(text.dropFirst(beginning.count).components(separatedBy: ", or copy").first)
        _ = try Command.succeed(["sh", "-c", command])
        #expect(problem(change) == "none")
        #expect(Secrets.problems(locations).isEmpty)
    }

    @Test func `a location that the operator sets must be usable`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = try write("", to: "file")
        #expect(problem { $0.directory = file }.hasPrefix("--token-key: cannot read \(file)/token.key: "))
        #expect(problem { $0.directory = "/proc/no-such" }.hasPrefix("--token-key: cannot create /proc/no-such/token.key: "))
    }
}
