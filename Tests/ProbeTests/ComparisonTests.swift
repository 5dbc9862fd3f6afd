import Common
import Comparison
import Recording
import Testing

/// The differences between two recordings.
struct ComparisonTests {
    private static func recording(_ responses: [(String, Int, String, String)], isRedacted: Bool = false) -> Recording {
        var recording = Recording()
        recording.isRedacted = isRedacted
        recording.responses = responses.map {
            RecordedResponse(target: $0.0, status: $0.1, fields: [.init("content-type", $0.2)], body: Array($0.3.utf8))
        }
        return recording
    }

    /// The differences of one path, without it.
    private static func differences(
        _ left: (Int, String, String), _ right: (Int, String, String), at target: String = "/latest/meta-data/a"
    ) -> [String] {
        let comparison = RecordingComparison(
            recording([(target, left.0, left.1, left.2)]), recording([(target, right.0, right.1, right.2)]))
        return comparison.differences.map { "\($0.what): \($0.left) \($0.right)" }
    }

    @Test(
        arguments: [
            ((200, "t", "a"), (200, "t", "a"), []), ((200, "t", "a"), (404, "t", "a"), ["status: 200 404"]),
            ((200, "t", "a"), (200, "u", "a"), ["content-type: t u"]), ((404, "t", "a"), (404, "t", "b"), []),
            ((404, "t", "a"), (404, "u", "a"), ["error page: t u"]), ((200, "t", "a"), (200, "t", "b\nc"), [#"body: a b\nc"#]),
        ] as [((Int, String, String), (Int, String, String), [String])])
    func `status, type and body are compared`(left: (Int, String, String), right: (Int, String, String), expected: [String]) {
        #expect(Self.differences(left, right) == expected)
    }

    @Test(arguments: [
        (#"{"a": 1, "b": [1, 2]}"#, #"{"a": 1, "b": [1, 2]}"#, []),
        (#"{"a": 1}"#, #"{"a": "1"}"#, [#"field a: 1 "1""#]),
        (#"{"a": {"b": 1}}"#, #"{"a": {"c": 1}}"#, ["field a.b: 1 –", "field a.c: – 1"]),
        (#"{"a": [1]}"#, #"{"a": [1, 2]}"#, ["field a[1]: – 2"]),
        (#"{"a": 1, "b": 2}"#, #"{"b": 2, "a": 1}"#, ["field order: a b b a"]),
        (#"{"x": {"a": 1, "b": 2}}"#, #"{"x": {"b": 2, "a": 1}}"#, ["field order of x: a b b a"]),
        (#"{"a": "\u00FC"}"#, #"{"a": "\u00fc"}"#, [#"spelling: \u00FC \u00fc"#]),
        (#"{"a":1}"#, #"{"a": 1}"#, [#"spelling: {"a":1} {"a": 1}"#]),
        (#"{"random_seed": "AAAA"}"#, #"{"random_seed": "BBBB"}"#, []),
        ("{", #"{"a": 1}"#, [#"body: { {"a": 1}"#]),
    ])
    func `documents are compared by members, order and spelling`(left: String, right: String, expected: [String]) {
        let type = "application/json"
        let found = Self.differences((200, type, left), (200, type, right), at: "/openstack/latest/meta_data.json")
        #expect(found == expected)
    }

    @Test func `of signatures only the wrapping is compared`() {
        let (one, two) = (String(repeating: "QUJD", count: 32), String(repeating: "REVG", count: 48))
        let wrapped = one.prefix(64) + "\n" + one.dropFirst(64)
        for name in ["pkcs7", "rsa2048", "signature"] {
            let target = "/latest/dynamic/instance-identity/\(name)"
            let found = { (left: String, right: String) in Self.differences((200, "t", left), (200, "t", right), at: target).count
            }
            #expect(found(one, two) == 0 && found(String(wrapped), String(wrapped.replacing("QUJD", with: "REVG"))) == 0)
            #expect(found(one, String(wrapped)) == 1 && found(one, one + "\n") == 1)
            #expect(found(one, "REDACTED-signature-1") == 1 && found(one, "") == 1 && found(one, "QUJD") == 1)
        }
        #expect(Self.differences((200, "t", one), (200, "t", two), at: "/latest/meta-data/signature").count == 1)
    }

    @Test func `listings are compared by lines and their order`() {
        let below = [("/a/x", 200, "t", "1"), ("/a/y", 200, "t", "1"), ("/a/z", 200, "t", "1")]
        let left = Self.recording([("/a/", 200, "t", "x\ny\nz")] + below)
        let right = Self.recording([("/a/", 200, "t", "y\nx\nw")] + below)
        #expect(
            RecordingComparison(left, right).differences.map { "\($0)" } == [
                "/a/: line: `z`, `–`", "/a/: line: `–`, `w`", "/a/: line order: `x y`, `y x`",
            ])
    }

    @Test func `a path in another form is the same path, and one that only one side has is absent on the other`() {
        let left = Self.recording([("/a", 200, "t", "1"), ("/only", 200, "t", "1")])
        let right = Self.recording([("/a/", 200, "t", "1"), ("/other", 200, "t", "1")])
        let comparison = RecordingComparison(left, right)
        #expect(comparison.differences.map { "\($0)" } == ["/only: status: `200`, `404`", "/other: status: `404`, `200`"])
        #expect(comparison.count == 3)
        #expect(comparison.text == "/only\n  status: 200 → 404\n/other\n  status: 404 → 200\n2 differences in 3 paths\n")
    }

    @Test func `where one side is redacted, the other is too`() {
        let plain = Self.recording([("/latest/user-data", 200, "t", "password: abcdefgh")])
        var redacted = plain
        redacted.redact()
        #expect(RecordingComparison(plain, redacted).differences == [])
        #expect(RecordingComparison(redacted, plain).differences == [])
        let other = Self.recording([("/latest/user-data", 200, "t", "pass: abcdefgh")])
        #expect(RecordingComparison(other, redacted).differences.count == 1)
    }

    @Test func `a difference of all versions is printed once`() {
        func side(_ value: String) -> Recording {
            let versions = ["latest", "2009-04-04", "2021-03-23"]
            let ec2 = versions.map { ("/\($0)/meta-data/a", 200, "t", value) }
            let openStack = ["latest", "2018-08-27"].map { ("/openstack/\($0)/user_data", 200, "t", value) }
            return Self.recording(ec2 + openStack + [("/1.0/meta-data/a", 200, "t", value + "!")])
        }
        let comparison = RecordingComparison(side("x"), side("y"))
        #expect(comparison.differences.count == 6)
        #expect(
            comparison.text == """
                /latest/meta-data/a, and the same in 2 other versions
                  body: x → y
                /openstack/latest/user_data, and the same in 1 other version
                  body: x → y
                /1.0/meta-data/a
                  body: x! → y!
                6 differences in 6 paths

                """)
    }

    @Test func `of a side that was read in part, only what was read is compared`() throws {
        let whole = Self.recording([("/a", 200, "t", "1"), ("/b", 200, "t", "1"), ("/c", 200, "t", "1")])
        var part = Self.recording([("/a", 200, "t", "2")])
        part.omissions = ["/b: timeout: no response after 10 s", "stopped after 3 requests in a row without a response"]
        for (left, right) in [(whole, part), (part, whole)] {
            let comparison = RecordingComparison(left, right)
            #expect(comparison.differences.map(\.target) == ["/a"])
            #expect(comparison.text.hasSuffix("\n1 differences in 1 paths; 2 paths not compared\n"))
            #expect(comparison.json["uncompared"] == .integer(2))
        }
        part.omissions.removeLast()
        #expect(RecordingComparison(whole, part).differences.map(\.target) == ["/a", "/b", "/c"])
    }

    @Test func `a redacted recording that is served is recognized`() {
        let plain = Self.recording([("/latest/user-data", 200, "t", "#!/bin/sh\nREAL password: abcdefgh")])
        var folder = plain
        folder.redact()
        var served = folder
        served.isRedacted = false
        #expect(RecordingComparison(plain, served).servedRedacted == .second)
        #expect(RecordingComparison(served, plain).servedRedacted == .first)
        #expect(RecordingComparison(plain, folder).servedRedacted == nil)
        #expect(RecordingComparison(served, served).servedRedacted == nil)
        #expect(RecordingComparison(plain, plain).servedRedacted == nil)
    }

    @Test func `latest alone`() {
        var recording = Self.recording(
            [
                "/", "/latest/a", "/2009-04-04/a", "/1.0/", "/openstack", "/openstack/latest/a", "/openstack/2012-08-10/a",
                "/nocloud/meta-data",
            ]
            .map { ($0, 200, "t", "") })
        recording.keepLatest()
        #expect(
            recording.responses.map(\.target) == ["/", "/latest/a", "/openstack", "/openstack/latest/a", "/nocloud/meta-data"])
    }
}
