import Common
import Foundation
import Glibc
import Testing

@testable import Recording

/// Folders that anyone may have written.
struct HostileRecordingTests {
    private let base = FileManager.default.temporaryDirectory.appending(path: "hostile-\(UUID().uuidString)").path
    private let files = FileManager.default

    init() throws { try files.createDirectory(atPath: base + "/web/tree", withIntermediateDirectories: true) }

    private func remove() { try? files.removeItem(atPath: base) }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(base)/\(name)"))
    }

    /// Writes an index with these responses.
    private func index(_ responses: String, more: String = "") throws {
        try write(
            "web/recording.json", #"{"format": "virt-metadata recording", "version": 1, \#(more)"responses": [\#(responses)]}"#)
    }

    /// The problem with the folder, without its path; `nil` if it can be read.
    private func problem(_ name: String = "web") -> String? {
        do {
            _ = try RecordingFolder.read("\(base)/\(name)")
            return nil
        } catch {
            return error.description.replacing(base + "/", with: "")
        }
    }

    @Test(arguments: [
        ("../secret", "'../secret' is not a path inside the folder"),
        ("/etc/passwd", "'/etc/passwd' is not a path inside the folder"),
        ("tree/../../secret", "'tree/../../secret' is not a path inside the folder"), ("", "'' is not a path inside the folder"),
        ("tree//x", "'tree//x' is not a path inside the folder"), ("./x", "'./x' is not a path inside the folder"),
        ("link", "'link' is a symbolic link, which is not followed"),
        ("out/secret", "'out/secret' leads through a symbolic link, which is not followed, or through a file"),
        ("none", "'none' does not exist: restore the file, or remove the response"), ("pipe", "'pipe' is not a regular file"),
        ("tree", "'tree' is not a regular file"), ("long", "'long' is longer than 16777216 bytes"),
        (
            "tree/\(String(repeating: "x", count: 300))",
            "'tree/\(String(repeating: "x", count: 75))…' is not a path inside the folder"
        ),
    ])
    func `a file that is missing or elsewhere is named`(name: String, problem: String) throws {
        defer { remove() }
        try write("secret", "secret")
        try files.createSymbolicLink(atPath: base + "/web/link", withDestinationPath: "../secret")
        try files.createSymbolicLink(atPath: base + "/web/out", withDestinationPath: "..")
        let status = unsafe mkfifo(base + "/web/pipe", 0o600)
        try #require(status == 0)
        let long = unsafe open(base + "/web/long", O_CREAT | O_WRONLY, 0o600)
        #expect(ftruncate(long, 1 << 40) == 0)
        close(long)
        try index(#"{"target": "/x", "status": 200, "file": "\#(name)"}"#)
        #expect(self.problem() == "web/recording.json: responses[0].file: \(problem)")
    }

    @Test(arguments: [
        (#"{"target": "/x", "status": 200}, {"target": "/x", "status": 404}"#, "responses[1].target: '/x' is there twice"),
        (#"{"status": 200}"#, "responses[0].target: expected a string"),
        (#"{"target": "/x"}"#, "responses[0].status: expected an integer from 200 to 599"),
        (#"{"target": "/x", "status": 100}"#, "responses[0].status: expected an integer from 200 to 599"),
        (
            #"{"target": "x", "status": 200}"#,
            "responses[0]: target 'x': expected a path of at most 4096 printable ASCII characters"
        ),
        (
            #"{"target": "/a b", "status": 200}"#,
            "responses[0]: target '/a b': expected a path of at most 4096 printable ASCII characters"
        ),
        (
            #"{"target": "/x", "status": 200, "headers": [["A", "1\r\nSet-Cookie: x"]]}"#,
            "responses[0].headers: 'A' is not a header field of one line"
        ),
        (
            #"{"target": "/x", "status": 200, "headers": [["A B", "1"]]}"#,
            "responses[0].headers: 'A B' is not a header field of one line"
        ),
        (#"{"target": "/x", "status": 200, "headers": ["A"]}"#, "responses[0].headers: expected pairs of a name and a value"),
        (#"{"target": "/x", "status": 200, "reason": "a\nb"}"#, "responses[0].reason: expected one line"),
        (#"{"target": "/x", "status": 200, "body_base64": "%"}"#, "responses[0].body_base64: expected base64"),
        (
            #"{"target": "/x", "status": 200, "body": 1}"#,
            "responses[0].body: expected a string, and not both body and body_base64"
        ),
        (
            #"{"target": "/x", "status": 200, "file": "tree/x", "body": "x"}"#,
            "responses[0].file: the body is there twice: expected one of file, body and body_base64"
        ),
        (
            #"{"target": "/x", "status": 200, "file": "tree/x", "body_base64": ""}"#,
            "responses[0].file: the body is there twice: expected one of file, body and body_base64"
        ),
        (#"{"target": "/x", "status": 200, "file": 1}"#, "responses[0].file: expected a string"),
        ("1", "responses[0].target: expected a string"),
    ])
    func `an unusable response is named`(responses: String, problem: String) throws {
        defer { remove() }
        try index(responses)
        #expect(self.problem() == "web/recording.json: \(problem)")
    }

    @Test func `an unusable index is named`() throws {
        defer { remove() }
        let path = "web/recording.json"
        #expect(
            problem() == "\(path): does not exist: expected a folder that `virt-metadata crawl` has written")
        for (text, problem) in [
            ("", "the JSON is empty"), ("{", "line 1, column 1: unexpected end: a value, string, array or object is not closed"),
            ("[]", "format: expected 'virt-metadata recording'"),
            (#"{"format": "virt-metadata recording", "version": 2}"#, "version: expected 1: a newer virt-metadata may have"),
            (#"{"format": "virt-metadata recording", "version": 1}"#, "responses: expected an array"),
            (String(repeating: "[", count: 1000), "line 1: arrays and objects are nested more than 64 deep"),
        ] {
            try write(path, text)
            #expect(self.problem()?.hasPrefix("\(path): \(problem)") == true, "\(self.problem() ?? "")")
        }
        try index("", more: #""tokens": {"policy": "maybe"}, "#)
        #expect(problem() == "\(path): tokens.policy: expected none, optional or required")
        try files.removeItem(atPath: "\(base)/\(path)")
        try files.createSymbolicLink(atPath: "\(base)/\(path)", withDestinationPath: "/etc/passwd")
        #expect(problem() == "\(path): is a symbolic link, which is not followed")
        #expect(problem("none") == "none: cannot be read: No such file or directory")
    }

    @Test func `100,000 responses are refused, and 100,000 files that no response names are not read`() throws {
        defer { remove() }
        let responses = (0..<100_000).map { #"{"target": "/\#($0)", "status": 200, "file": "tree/\#($0)"}"# }
        try index(responses.joined(separator: ","))
        #expect(problem() == "web/recording.json: responses: 100000 responses: expected at most 20000")
        for number in 0..<100_000 { close(unsafe open("\(base)/web/tree/\(number)", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }
        try index(responses[0])
        let start = ContinuousClock.now
        #expect(problem() == nil)
        #expect(start.duration(to: .now) < .seconds(1))
    }

    @Test func `bodies together are bounded, also where they share one file`() throws {
        defer { remove() }
        try Data(repeating: 120, count: RecordingLimits.body).write(to: URL(filePath: base + "/web/tree/x"))
        let count = RecordingLimits.bodies / RecordingLimits.body
        let responses = (0...count).map { #"{"target": "/\#($0)", "status": 200, "file": "tree/x"}"# }
        try index(responses.prefix(count).joined(separator: ","))
        #expect(problem() == nil)
        try index(responses.joined(separator: ","))
        #expect(
            problem()
                == "web/recording.json: responses[\(count)]: too long: expected bodies of at most 16777216 bytes, and 268435456 together"
        )
    }

    @Test func `a file of responses is checked too`() throws {
        defer { remove() }
        try write("a.json", #"{"/x": {"status": 200, "content_type": "a\nb", "body": ""}}"#)
        #expect(problem("a.json") == "a.json: '/x'.content_type: expected one line")
        try write("c.json", #"{"/x": {"status": 200, "file": "tree/x"}}"#)
        #expect(problem("c.json") == "c.json: '/x'.file: a file of responses has no other files: write the text as body")
        try write("b.json", "[1]")
        #expect(problem("b.json") == "b.json: expected an object of responses by path")
    }
}
