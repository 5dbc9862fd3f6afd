import Common
import Foundation
import Glibc
import Testing

@testable import Recording

/// Recordings that are written and read again.
struct RecordingFolderTests {
    private let base = FileManager.default.temporaryDirectory.appending(path: "recording-\(UUID().uuidString)").path
    private let files = FileManager.default

    init() throws { try files.createDirectory(atPath: base, withIntermediateDirectories: true) }

    private func remove() { try? files.removeItem(atPath: base) }

    private static let example: Recording = {
        var recording = Recording()
        recording.recorded = "2026-11-30T01:02:03Z"
        recording.source = "http://169.254.169.254/"
        recording.tool = "virt-metadata 0.2.0"
        (recording.tokens, recording.tokenStatus) = (.optional, 200)
        recording.absent = RecordedResponse(
            target: "", status: 404, reason: "Not Found", fields: [.init("Content-Type", "text/html")], body: Array("<p>".utf8))
        recording.redactions = [.init(target: "/latest/user-data", what: "password", count: 2)]
        recording.omissions = ["stopped after 2000 requests"]
        let text = RecordedResponse.Field("content-TYPE", "text/plain")
        recording.responses = [
            RecordedResponse(target: "/", status: 200, reason: "OK", fields: [text], body: Array("2009-04-04\nlatest".utf8)),
            RecordedResponse(target: "/latest", status: 200, fields: [text], body: Array("meta-data/".utf8)),
            RecordedResponse(target: "/latest/", status: 200, fields: [text], body: Array("meta-data/".utf8)),
            RecordedResponse(target: "/latest/meta-data/", status: 200, fields: [text], body: Array("b\ntags/".utf8)),
            RecordedResponse(target: "/latest/meta-data/b", status: 200, fields: [text, text], body: [0, 0xFF, 10]),
            RecordedResponse(target: "/2009-04-04/meta-data/b", status: 200, fields: [text], body: [0, 0xFF, 10]),
            RecordedResponse(target: "/latest/meta-data/c", status: 200, fields: [text], body: Array("latest".utf8)),
            RecordedResponse(target: "/2009-04-04/meta-data/c", status: 200, fields: [text], body: Array("old".utf8)),
            RecordedResponse(target: "/latest/meta-data/tags/a%2Fb", status: 200, fields: [text], body: Array("slash".utf8)),
            RecordedResponse(target: "/latest/meta-data/../x", status: 200, fields: [text], body: Array("dots".utf8)),
            RecordedResponse(target: "/%2e%2e/%2e%2e/etc/passwd", status: 200, fields: [text], body: Array("up".utf8)),
            RecordedResponse(target: "/" + String(repeating: "a", count: 900), status: 200, body: Array("long".utf8)),
            RecordedResponse(target: "/" + String(repeating: "b", count: 900), status: 200, body: Array("longer".utf8)),
            RecordedResponse(target: "/@listing", status: 200, body: Array("at".utf8)),
            RecordedResponse(target: "/tree?recursive=true", status: 200, body: Array("{}".utf8)),
            RecordedResponse(target: "/latest/empty", status: 200),
            RecordedResponse(target: "/latest/spot", status: 404, reason: "Not Found", fields: [text], body: [0xFE]),
        ]
        return recording
    }()

    @Test func `what is read is what was written, byte for byte`() throws {
        defer { remove() }
        try RecordingFolder.write(Self.example, to: base + "/web")
        #expect(try RecordingFolder.read(base + "/web") == Self.example)
        #expect(try RecordingFolder.read(base + "/web/") == Self.example)
        #expect(RecordingFolder.isRecording(base + "/web"))
        #expect(!RecordingFolder.isRecording(base))
    }

    @Test func `files have the names of their paths, and versions with one value share a file`() throws {
        defer { remove() }
        try RecordingFolder.write(Self.example, to: base + "/web")
        let names = try files.subpathsOfDirectory(atPath: base + "/web")
        for name in [
            "tree/@listing", "tree/latest/@listing", "tree/latest/meta-data/@listing", "tree/latest/meta-data/b",
            "tree/latest/meta-data/c", "tree/2009-04-04/meta-data/c", "tree/latest/meta-data/tags/a%252Fb",
            "tree/latest/meta-data/%2E%2E/x", "tree/%252e%252e/%252e%252e/etc/passwd", "tree/@long", "tree/@long@2",
            "tree/%40listing", "tree/tree%3Frecursive=true", "recording.json",
        ] {
            #expect(names.contains(name), "\(name) of \(names.sorted())")
        }
        #expect(!names.contains("tree/2009-04-04/meta-data/b"))
        // An edit of the shared file changes both versions.
        try Data("new".utf8).write(to: URL(filePath: base + "/web/tree/latest/meta-data/b"))
        let index = RecordingIndex(try RecordingFolder.read(base + "/web"))
        #expect(index.response(to: "/2009-04-04/meta-data/b")?.body == Array("new".utf8))
    }

    @Test func `only the owner can read it, whatever the umask`() throws {
        defer { remove() }
        let mask = umask(0)
        defer { umask(mask) }
        try RecordingFolder.write(Self.example, to: base + "/web")
        for name in try [""] + files.subpathsOfDirectory(atPath: base + "/web") {
            let facts = try files.attributesOfItem(atPath: base + "/web/" + name)
            let isFolder = facts[.type] as? FileAttributeType == .typeDirectory
            #expect(facts[.posixPermissions] as? Int == (isFolder ? 0o700 : 0o600), "\(name)")
        }
    }

    @Test func `an existing folder stays unless it is a recording to be replaced`() throws {
        defer { remove() }
        let path = base + "/web"
        try RecordingFolder.write(Self.example, to: path)
        var other = Self.example
        other.responses = []
        #expect(throws: RecordingError(path, "exists: choose another folder, or use --replace")) {
            try RecordingFolder.write(other, to: path)
        }
        #expect(try RecordingFolder.read(path) == Self.example)
        try RecordingFolder.write(other, to: path, replacing: true)
        #expect(try RecordingFolder.read(path) == other)
        // What was replaced is gone, and nothing else is left behind.
        #expect(try files.contentsOfDirectory(atPath: base) == ["web"])
        #expect(try files.contentsOfDirectory(atPath: path) == ["recording.json"])

        try files.createDirectory(atPath: base + "/home", withIntermediateDirectories: false)
        try Data("precious".utf8).write(to: URL(filePath: base + "/home/letter"))
        #expect(throws: RecordingError(base + "/home", "exists and is not a recording: choose another folder")) {
            try RecordingFolder.write(other, to: base + "/home", replacing: true)
        }
        #expect(try files.contentsOfDirectory(atPath: base + "/home") == ["letter"])
        #expect(throws: RecordingError.self) { try RecordingFolder.write(other, to: base + "/none/web") }
        #expect(try files.contentsOfDirectory(atPath: base).sorted() == ["home", "web"])
    }

    @Test func `Nova's golden files are recordings`() throws {
        defer { remove() }
        let fixtures = URL(filePath: #filePath).appending(path: "../../../fixtures/nova").standardized.path
        for (name, count) in [("rich", 451), ("minimal", 389)] {
            let recording = try RecordingFolder.read("\(fixtures)/golden-\(name).json")
            #expect(recording.responses.count == count)
            let index = RecordingIndex(recording)
            #expect(index.response(to: "/latest/meta-data/hostname")?.field("content-type") == "text/plain; charset=UTF-8")
            // Once more through a folder.
            try RecordingFolder.write(recording, to: "\(base)/\(name)")
            #expect(try RecordingFolder.read("\(base)/\(name)") == recording)
        }
        #expect(throws: RecordingError.self) { try RecordingFolder.read(base + "/rich/recording.json") }
    }
}

/// The response to a request.
struct RecordingIndexTests {
    private static func index(_ targets: [(String, Int, String)]) -> RecordingIndex {
        var recording = Recording()
        recording.responses = targets.map { RecordedResponse(target: $0.0, status: $0.1, body: Array($0.2.utf8)) }
        return RecordingIndex(recording)
    }

    @Test func `a target that was not recorded answers as its other form`() {
        let index = Self.index([
            ("/latest/", 200, "list"), ("/a", 404, "none"), ("/a/", 200, "some"), ("/x", 200, "leaf"),
            ("/q?recursive=true", 200, "all"),
        ])
        func body(_ target: String) -> String? { index.response(to: target).map { String(decoding: $0.body, as: UTF8.self) } }
        for target in ["/latest/", "/latest", "//latest//", "/x/../latest", "/late%73t", "/latest?q"] {
            #expect(body(target) == "list")
        }
        #expect(body("/a") == "none")
        #expect(body("/a/") == "some")
        #expect(body("//a") == "some")
        #expect(body("/x/") == "leaf")
        #expect(body("/q?recursive=true") == "all")
        #expect(body("/q") == nil)
        #expect(body("/latest%2F") == nil)
        #expect(body("/latest/b") == nil)
        #expect(index.absent.status == 404)
    }

    @Test func `fields of one connection or one moment are not served again`() {
        let response = RecordedResponse(
            target: "/", status: 200,
            fields: [
                .init("Date", "Mon"), .init("server", "EC2ws"), .init("Content-Length", "3"), .init("Connection", "close"),
                .init("X-Aws-EC2-Metadata-Token-TTL-Seconds", "3"), .init("Content-Type", "text/plain"),
                .init("transfer-encoding", "chunked"), .init("Last-Modified", "Mon"),
            ])
        #expect(response.servedFields.map(\.name) == ["server", "Content-Type", "Last-Modified"])
        #expect(response.field("SERVER") == "EC2ws")
        #expect(response.field("none") == nil)
    }

    @Test func `a folder that is cancelled leaves nothing behind, and what was there`() throws {
        let parent = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        var recording = Recording()
        recording.responses = (0..<5).map { RecordedResponse(target: "/\($0)", status: 200, body: Array("\($0)".utf8)) }
        for hasFormer in [false, true] {
            if hasFormer { try RecordingFolder.write(recording, to: parent + "/web") }
            var asked = 0
            #expect {
                try RecordingFolder.write(recording, to: parent + "/web", replacing: true) {
                    asked += 1
                    return asked == 3
                }
            } throws: { "\($0)" == "\(parent)/web: not written: ended by a signal" }
            #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == (hasFormer ? ["web"] : []))
        }
        #expect(try RecordingFolder.read(parent + "/web") == recording)
    }
}
