import Foundation
import Testing

@testable import Recording

/// What is replaced in a recording.
struct RedactionTests {
    /// A recording of one path, redacted.
    private static func redacted(
        _ body: String, at target: String = "/latest/user-data", keeping kept: [String] = []
    ) -> (body: String, list: [String]) {
        var recording = Recording()
        recording.responses = [RecordedResponse(target: target, status: 200, body: Array(body.utf8))]
        recording.redact(keeping: kept)
        return (
            String(decoding: recording.responses[0].body, as: UTF8.self), recording.redactions.map { "\($0.count) \($0.what)" }
        )
    }

    @Test(arguments: [
        ("password: hunter2 hunter3", "password: REDACTED-password-1"),
        ("  db_password = 'x y'  ", "  db_password = 'REDACTED-password-1'  "),
        ("{\"admin_pass\": \"a\\\"b\", \"n\": 1}", "{\"admin_pass\": \"REDACTED-password-1\", \"n\": 1}"),
        ("password: 12345 # why", "password: REDACTED-password-1 # why"),
        ("export API_TOKEN=abc; run", "export API_TOKEN=REDACTED-token-1; run"),
        ("cmd --password abc --user me", "cmd --password REDACTED-password-1 --user me"),
        ("curl -H \"Authorization: Bearer abc\"", "curl -H \"Authorization: REDACTED-token-1\""),
        ("http://me:pw@host/", "http://me:REDACTED-password-1@host/"),
        ("passwd: $6$abc$0123456789abcdef", "passwd: REDACTED-password-1"),
        ("x AKIAIOSFODNN7EXAMPLE y", "x AKIAREDACTED00000001 y"),
        ("token: |\n  one\n  two\nnext: 1", "token: |\n  REDACTED-token-1\n  REDACTED-token-2\nnext: 1"),
        ("chpasswd:\n  list:\n    - root:pw12345678\nnext: a:b", "chpasswd:\n  list:\n    - root:REDACTED-password-1\nnext: a:b"),
        ("echo 'root:pw1' | chpasswd", "echo 'root:REDACTED-password-1' | chpasswd"),
        ("use ghp_0123456789abcdefghij here", "use REDACTED-token-1 here"),
        ("\"{\\\"token\\\": \\\"abc\\\"}\"", "\"{\\\"token\\\": \\\"REDACTED-token-1\\\"}\""),
        (
            "key: \"-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----\\n\"",
            "key: \"-----BEGIN RSA PRIVATE KEY-----\\nREDACTED-private-key-1\\n-----END RSA PRIVATE KEY-----\\n\""
        ),
        ("password: abc12345\nx: abc12345", "password: REDACTED-password-1\nx: REDACTED-password-1"),
        (
            "arn:aws:iam::123456789012:role/x 123456789012 1234567890123",
            "arn:aws:iam::000000000001:role/x 000000000001 1234567890123"
        ),
    ])
    func `a secret is replaced and the rest stays`(before: String, after: String) {
        #expect(Self.redacted(before).body == after)
    }

    @Test(arguments: [
        "ssh_pwauth: true", "lock_passwd: false", "password: null", "token: $TOKEN", "password: ${PW}", "password: {{ pw }}",
        "compass: north",
        "passwords are not for user data", "tokens: required", "secret_name: web", "path: /etc/passwd", "a: b\n", "",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB me",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCARwCCQDMIIBszCCARwCCQDMIIBszCCARwCCQDMIIBszCCARwCCQDabcd\n-----END CERTIFICATE-----",
    ])
    func `what is no secret stays`(text: String) {
        #expect(Self.redacted(text).body == text)
        #expect(Self.redacted(text).list == [])
    }

    @Test(arguments: [
        "chpasswd:\n  list: \"root:SECRET1\\nbob:SECRET2\"", "chpasswd:   # why\n  list: |\n    root:SECRET1",
        "chpasswd: {expire: false, list: [\"carol:SECRET1\"]}", #"{"chpasswd":{"list":"root:SECRET1"}}"#,
        "{\"chpasswd\":{\"users\":[{\"name\":\"a\",\"password\":\"SECRET1\"}]}}",
        "chpasswd <<EOF\ndave:SECRET1\nEOF", "chpasswd -e <<-'END'\n  dave:SECRET1\nEND", "password: $ecretSECRET1",
        "passwd: !!str SECRET1",
        "\"password\": |\n  SECRET1\n  SECRET2", "password:\n  SECRET1", "password: \"a\n  SECRET1\"",
        "plain_text_passwd: 'it''s-SECRET1'",
        "{lock_passwd: false, plain_text_passwd: flow&SECRET1}", "password=Pa,SECRET1", "db.password = two SECRET1",
        "tunnels: {wg0: {mode: wireguard, key: SECRET1, keys: {private: SECRET2}}}",
        "write_files:\n- path: /root/.docker/config.json\n  content: |\n    {\"auths\": {\"r\": {\"auth\": \"dXNlcjpTRUNSRVQx\"}}}\n",
        "machine h login me password SECRET1", "mysql -u root -pSECRET1 db", "curl -s -u 'me:SECRET1' http://h/",
        "sshpass -p SECRET1 ssh h",
        "docker login -u me -p SECRET1 r", "aws configure set aws_secret_access_key SECRET1",
        "write_files:\n- {path: /a, encoding: b64, content: U0VDUkVUMQ==}",
        ##"{"cloud-init": "#cloud-config\nchpasswd:\n  list:\n  - root:SECRET1\n"}"##,
        ##"{"cloud-init": "#cloud-config\nusers:\n- name: a\n  plain_text_passwd: 'it''s-SECRET1'\n"}"##,
    ])
    func `a secret is found however it is written`(text: String) {
        for target in ["/latest/user-data", "/openstack/latest/vendor_data.json", "/metadata/v1/user-data"] {
            let body = Self.redacted(text, at: target).body
            for secret in ["SECRET", "dXNlcjpTRUNSRVQx", "U0VDUkVUMQ=="] { #expect(!body.contains(secret), "\(target): \(body)") }
        }
    }

    @Test func `fields, reasons, the answer to an absent path and omissions have no secrets either`() {
        var recording = Recording()
        recording.sessionTokens = ["TOKEN-of-the-session=="]
        let fields: [RecordedResponse.Field] = [
            .init("X-Auth-Token", "SECRET1"), .init("Location", "http://user:SECRET2@h/?token=SECRET3"), .init("ETag", "\"1\""),
        ]
        recording.responses = [
            RecordedResponse(target: "/latest/a", status: 302, reason: "password=SECRET4", fields: fields),
            RecordedResponse(target: "/latest/b", status: 404, body: Array("no /b for TOKEN-of-the-session==".utf8)),
        ]
        recording.absent = RecordedResponse(target: "", status: 404, body: Array("header: TOKEN-of-the-session==".utf8))
        recording.omissions = ["/latest/a: redirects to http://user:SECRET2@h/?token=SECRET3"]
        recording.redact()
        let all =
            "\(recording.responses.map { "\($0.reason) \($0.fields) \(String(decoding: $0.body, as: UTF8.self))" })"
            + String(decoding: recording.absent?.body ?? [], as: UTF8.self) + recording.omissions.joined()
        #expect(!all.contains("SECRET") && !all.contains("TOKEN-of"), "\(all)")
        #expect(recording.responses[0].fields.last == .init("ETag", "\"1\""), "a field without a secret stays")
    }

    @Test func `a password that is a common word is no secret in names and in other documents' members`() {
        var recording = Recording()
        let bodies = [
            ("/openstack/latest/user_data", "#cloud-config\npassword: password\nchpasswd: {list: \"a:instance-id\"}"),
            ("/openstack/latest/", "meta_data.json\npassword\nuser_data"), ("/latest/meta-data/", "instance-id\nhostname"),
            ("/latest/meta-data/instance-id", "i-1"),
            ("/openstack/latest/vendor_data.json", ##"{"cloud-init": "#cloud-config\npassword: password"}"##),
        ]
        recording.responses = bodies.map { RecordedResponse(target: $0.0, status: 200, body: Array($0.1.utf8)) }
        recording.redact()
        let after = recording.responses.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(after[0] == "#cloud-config\npassword: REDACTED-password-1\nchpasswd: {list: \"a:REDACTED-password-2\"}")
        #expect(Array(after[1...3]) == bodies[1...3].map(\.1))
        #expect(after[4] == ##"{"cloud-init": "#cloud-config\npassword: REDACTED-password-1"}"##)
    }

    @Test func `what cannot be examined is replaced in whole`() {
        #expect(Self.redacted("\u{1F}\u{0}gzip").body == "#cloud-config\n# REDACTED: 6 bytes that are not text\n")
        let base64 = Data(repeating: 7, count: 90).base64EncodedString(options: .lineLength76Characters)
        let part = Self.redacted("Content-Transfer-Encoding: base64\n\n\(base64)\n--end")
        #expect(part.body == "Content-Transfer-Encoding: base64\n\nREDACTED-data-1\n--end")
        #expect(part.list == ["1 data that cannot be examined"])
    }

    @Test func `paths that are secrets are replaced in whole, and credentials keep their form`() {
        let document = #"{"Code": "Success", "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalr", "Token": "x"}"#
        let (body, list) = Self.redacted(document, at: "/latest/meta-data/iam/security-credentials/web")
        #expect(
            body
                == #"{"Code": "Success", "AccessKeyId": "ASIAREDACTED00000001", "SecretAccessKey": "REDACTEDsecretaccesskey00000000000000001", "Token": "REDACTED-token-1"}"#
        )
        #expect(list == ["1 access key id", "1 secret access key", "1 token"])
        #expect(Self.redacted("odd", at: "/2021-03-23/meta-data/iam/security-credentials/web").body == "REDACTED")
        #expect(Self.redacted("web", at: "/latest/meta-data/iam/security-credentials/").body == "web")
        #expect(Self.redacted("abc", at: "/openstack/latest/password").body == "REDACTED-password-1")
        #expect(Self.redacted("", at: "/openstack/latest/password").body == "")
        #expect(Self.redacted("MIAG", at: "/latest/dynamic/instance-identity/pkcs7").body == "REDACTED-signature-1")
        #expect(Self.redacted("pw", at: "/latest/meta-data/tags/instance/DB_PASSWORD").body == "REDACTED-password-1")
        #expect(Self.redacted("123456789012", at: "/latest/meta-data/network/interfaces/macs/a/owner-id").body == "000000000001")
        let seed = Self.redacted(#"{"random_seed": "AAECAwQF", "uuid": "x"}"#, at: "/openstack/latest/meta_data.json").body
        #expect(seed == #"{"random_seed": "AQEBAQEB", "uuid": "x"}"#)
    }

    @Test func `kept paths stay, and one value has one replacement`() {
        let text = "password: abcdefgh"
        #expect(Self.redacted(text, keeping: ["user-data"]).body == text)
        #expect(Self.redacted(text, keeping: ["/latest/user-data"]).body == text)
        #expect(Self.redacted(text, keeping: ["meta-data"]).body != text)
        var recording = Recording()
        recording.responses = ["/latest/user-data", "/2021-03-23/user-data", "/latest/meta-data/tags/instance/note"].map {
            RecordedResponse(
                target: $0, status: 200, body: Array((($0.hasSuffix("note") ? "see " : "") + "password: abcdefgh").utf8))
        }
        recording.responses[0].fields = [.init("Content-length", "18"), .init("X", "18")]
        recording.absent = RecordedResponse(target: "", status: 404, fields: [.init("Set-Cookie", "s=1")], body: Array("x".utf8))
        recording.redact()
        #expect(Set(recording.responses.prefix(2).map(\.body)).count == 1)
        #expect(
            recording.redactions.map(\.target) == [
                "/latest/user-data", "/2021-03-23/user-data", "/latest/meta-data/tags/instance/note", "",
            ])
        #expect(recording.responses[0].fields == [.init("Content-length", "29"), .init("X", "18")])
        #expect(recording.absent?.field("set-cookie") == "REDACTED")
        // Redacting again changes nothing.
        let once = recording
        recording.redact()
        #expect(recording.responses == once.responses)
    }

    /// Bodies that took minutes: from each of many places the whole rest was searched.
    enum LongBody: String, CaseIterable {
        case wordsWithoutARN, headsOfNoKeys, indentedNames, secretsThatBeginAlike

        var text: String {
            switch self {
            case .wordsWithoutARN: String(repeating: "abcdefghijklmnopq ", count: 40_000)
            case .headsOfNoKeys: String(repeating: "-----BEGIN X\n", count: 60_000)
            case .indentedNames: String(repeating: " ", count: 200_000) + String(repeating: "x y ", count: 50_000)
            case .secretsThatBeginAlike: (10_000..<30_000).map { "password: aaaaaaaa\($0)\n" }.joined()
            }
        }
    }

    @Test(arguments: LongBody.allCases) func `a long body takes time by its length alone`(body: LongBody) {
        var recording = Recording()
        recording.responses = [RecordedResponse(target: "/latest/user-data", status: 200, body: Array(body.text.utf8))]
        let start = ContinuousClock.now
        recording.redact()
        let time = start.duration(to: .now)
        #expect(time < .seconds(20))
        let found = recording.redactions.reduce(0) { $0 + $1.count }
        #expect(found == (body == .secretsThatBeginAlike ? 20_000 : 0))
    }

    @Test func `what cannot be examined in time is removed, and counted`() {
        var recording = Recording()
        recording.responses = (0..<10).map {
            RecordedResponse(target: "/latest/\($0)", status: 200, body: Array("password: secret-\($0)".utf8))
        }
        let plain = recording
        #expect(recording.redact(until: .now.advanced(by: .seconds(60))) == 0)
        #expect(recording.responses.count == 10 && recording.redactions.count == 10)
        recording = plain
        #expect(recording.redact(until: .now) == 10)
        #expect(recording.responses.isEmpty && recording.redactions.isEmpty)
        #expect(recording.isRedacted)
        // A body that takes longer than the time is the last one.
        recording = plain
        let long = (0..<100_000).map { "name-\($0): value \($0)" }.joined(separator: "\n")
        recording.responses.insert(RecordedResponse(target: "/latest/long", status: 200, body: Array(long.utf8)), at: 1)
        let removed = recording.redact(until: .now.advanced(by: .milliseconds(10)))
        #expect(removed == 11 - recording.responses.count && removed > 0)
        for response in recording.responses {
            #expect(!String(decoding: response.body, as: UTF8.self).contains("password: secret"), "\(response.target)")
        }
    }
}
