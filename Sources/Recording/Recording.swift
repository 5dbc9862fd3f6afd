import Common

/// What a metadata server answered to a walk through its trees: a fixture that an emulator serves again.
///
/// In a folder it is `recording.json` and a file for each body (``RecordingFolder``).
package struct Recording: Sendable, Equatable {
    /// How the server treats session tokens.
    package enum TokenPolicy: String, Sendable {
        /// It makes none: ``tokenStatus`` is the answer to a request for one.
        case none
        /// It answers with and without a token.
        case optional
        /// It refuses a request without a token (401).
        case required
    }

    /// Values that were replaced in a response.
    package struct Redaction: Sendable, Equatable {
        package var target: String
        /// What they were, such as `credentials`.
        package var what: String
        /// How many.
        package var count: Int

        package init(target: String, what: String, count: Int) {
            (self.target, self.what, self.count) = (target, what, count)
        }
    }

    /// When it was recorded, as `2026-11-30T01:02:03Z`; empty if unknown.
    package var recorded = ""
    /// The URL of the server, without credentials; empty if unknown.
    package var source = ""
    /// The program that recorded it, with its version; empty if unknown.
    package var tool = ""
    package var tokens = TokenPolicy.none
    /// The status of the response to `PUT /latest/api/token`; 0 if it was not asked for.
    package var tokenStatus = 0
    /// The answer to a path that does not exist; `nil` if it was not asked for.
    package var absent: RecordedResponse?
    /// In the order of the requests; no two have the same target.
    package var responses: [RecordedResponse] = []
    /// What was replaced before it was written; empty where nothing was found or redaction was disabled.
    package var redactions: [Redaction] = []
    /// Whether secrets were replaced; a recording with `false` may have credentials.
    package var isRedacted = false
    /// Why it does not have all that the server has, one sentence each; empty if it has.
    package var omissions: [String] = []

    /// The targets whose response is not known, or not whole; not written.
    package var unanswered: Set<String> = []
    /// The session tokens that were used; not written.
    package var sessionTokens: [String] = []

    /// The beginning of the last omission where a crawl ended early.
    package static let cut = "stopped "

    /// Whether the crawl ended early: a path that is not here may be on the server.
    package var isCut: Bool { omissions.last?.hasPrefix(Self.cut) == true }

    /// Whether a server seems to serve a redacted recording, which no header field says.
    package var looksRedacted: Bool {
        let mark = Array("REDACTED".utf8)
        return responses.contains { response in
            var rest = response.body[...]
            while let index = rest.firstIndex(of: mark[0]) {
                if rest[index...].starts(with: mark) { return true }
                rest = rest[(index + 1)...]
            }
            return false
        }
    }

    package init() {}

    /// Leaves out the dated versions of each tree.
    package mutating func keepLatest() {
        responses.removeAll { response in
            guard let names = TreePath(target: response.target)?.names, let first = names.first else { return false }
            let version = first == "openstack" ? names.dropFirst().first : first
            return version?.utf8.first.map { (0x30...0x39).contains($0) } ?? false
        }
    }
}

/// A response to a GET request, byte for byte.
package struct RecordedResponse: Sendable, Equatable {
    /// A header field, spelled as the server spelled it.
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }

        /// Whether it can be written and served: a name of RFC 9110 §5.6.2, and a value that stays one line.
        package var isOneLine: Bool {
            (1...256).contains(name.utf8.count) && name.utf8.allSatisfy(Self.isTokenCharacter) && Self.isValue(value)
        }

        /// Neither a line break nor another control character but a tab: a recorded field must not become two.
        package static func isValue(_ text: String) -> Bool {
            text.utf8.count <= RecordingLimits.value && text.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
        }

        private static func isTokenCharacter(_ octet: UInt8) -> Bool {
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "!#$%&'*+-.^_`|~".utf8.contains(octet)
            }
        }
    }

    /// The request target as it was sent: a path, with a query if it had one.
    package var target: String
    package var status: Int
    /// The reason phrase, which may be empty.
    package var reason: String
    /// In the order of the server.
    package var fields: [Field]
    package var body: [UInt8]

    package init(target: String, status: Int, reason: String = "", fields: [Field] = [], body: [UInt8] = []) {
        (self.target, self.status, self.reason, self.fields, self.body) = (target, status, reason, fields, body)
    }

    /// The value of the first field of this name, in any case.
    package func field(_ name: String) -> String? {
        let name = name.lowercased()
        return fields.first { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }?.value
    }

    /// The fields that have to be sent again for the same response: all but those that describe one connection, one moment or one token, and
    /// the length, which follows from the body.
    package var servedFields: [Field] {
        fields.filter { !Self.momentary.contains($0.name.lowercased()) }
    }

    private static let momentary: Set<String> = [
        "connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "x-aws-ec2-metadata-token-ttl-seconds",
    ]
}
