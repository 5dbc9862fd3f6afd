import Glibc
import Probe
import Recording

/// IMDSv2: session tokens.
extension Rule {
    private static let leaf = "/latest/meta-data/instance-id"
    private static let put = "PUT \(ProbeClient.tokenTarget)"

    /// As requests, botocore and Go say that a PUT has no body.
    private static let noBody = Examination.Field("Content-Length", "0")

    /// A new token.
    private static func token(_ exam: Examination, lifetime: String = "21600") throws(RuleEnd) -> String {
        let response = try exam.send("PUT", ProbeClient.tokenTarget, [.init(ProbeClient.lifetimeField, lifetime), noBody])
        try expect(response.status == 200, "\(put): status \(response.status): expected 200")
        guard let text = response.text else { throw .fails("\(put): the token is not UTF-8") }
        return text
    }

    private static func status(_ exam: Examination, with token: String) throws(RuleEnd) -> Int {
        let octets = token.utf8.filter { (0x21...0x7E).contains($0) }
        return try exam.send("GET", leaf, [.init(ProbeClient.tokenField, String(decoding: octets, as: UTF8.self))]).status
    }

    static let tokenRules: [Rule] = [
        Rule(
            "token-put", .imdsv2, .must, "\(put) with a lifetime of 21600 is answered with 200",
            breaks: "cloud-init on AWS has no datasource: it never falls back to requests without a token",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: _maybe_fetch_api_token"
        ) { exam throws(RuleEnd) in
            _ = try token(exam)
        },
        Rule(
            "token-text", .imdsv2, .must, "A token is 1 to 4096 printable ASCII characters, without a newline",
            breaks: "requests raises InvalidHeader and cloud-init has empty metadata; systemd-imdsd refuses it",
            source: "requests/utils.py: check_header_validity; systemd src/imds/imdsd.c"
        ) { exam throws(RuleEnd) in
            let text = try token(exam)
            try expect((1...4096).contains(text.utf8.count), "\(put): a token of \(text.utf8.count) bytes")
            try expect(
                text.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "\(put): the token has a character that is not printable")
        },
        Rule(
            "token-without-length", .imdsv2, .must, "\(put) without Content-Length is an empty request, not 411",
            breaks: "curl -X PUT sends no length: ec2-metadata of amazon-ec2-utils and the fetcher of NixOS fail",
            source: "amazon-ec2-utils ec2-metadata; nixpkgs ec2-metadata-fetcher.sh"
        ) { exam throws(RuleEnd) in
            let response = try exam.send("PUT", ProbeClient.tokenTarget, [.init(ProbeClient.lifetimeField, "60")])
            try expect(response.status == 200, "\(put) without Content-Length: status \(response.status): expected 200")
        },
        Rule(
            "token-header-case", .imdsv2, .must, "Names of header fields are accepted in upper and lower case",
            breaks: "botocore sends them in lower case, Go and urllib as X-Aws-Ec2-…",
            source: "botocore/utils.py: IMDSFetcher; Go net/textproto"
        ) { exam throws(RuleEnd) in
            let names = [
                (ProbeClient.lifetimeField.lowercased(), ProbeClient.tokenField.lowercased()),
                ("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "X-Aws-Ec2-Metadata-Token"),
            ]
            for (lifetime, name) in names {
                let response = try exam.send("PUT", ProbeClient.tokenTarget, [.init(lifetime, "60"), noBody])
                try expect(response.status == 200, "\(put) with \(lifetime): status \(response.status): expected 200")
                let read = try exam.send("GET", leaf, [.init(name, response.text ?? "")]).status
                try expect(read == 200, "\(leaf) with \(name): status \(read): expected 200")
            }
        },
        Rule(
            "token-ttl-answer", .imdsv2, .must, "The response to \(put) has the token's lifetime in \(ProbeClient.lifetimeField)",
            breaks: "the AWS SDKs for Go and Rust fail: they cannot parse the lifetime",
            source: "aws-sdk-go-v2 feature/ec2/imds/api_op_GetToken.go; smithy-rs aws-config imds/client/token.rs"
        ) { exam throws(RuleEnd) in
            let response = try exam.send("PUT", ProbeClient.tokenTarget, [.init(ProbeClient.lifetimeField, "60"), noBody])
            guard let value = response.field(ProbeClient.lifetimeField) else {
                throw .fails("\(put): no \(ProbeClient.lifetimeField)")
            }
            try expect(value == "60", "\(put): \(ProbeClient.lifetimeField): '\(shown(value))': expected 60")
        },
        Rule(
            "token-get", .imdsv2, .must, "A read with a valid token is answered with 200",
            breaks: "every client of IMDSv2 fails", source: "cloud-init cloudinit/sources/DataSourceEc2.py: _get_headers"
        ) { exam throws(RuleEnd) in
            let status = try status(exam, with: try token(exam))
            try expect(status == 200, "\(leaf) with a token: status \(status): expected 200")
        },
        Rule(
            "token-two", .imdsv2, .must, "After a new token, the previous token stays valid",
            breaks: "a guest has several agents, and each has a token of its own",
            source: "AWS: Use the Instance Metadata Service to access instance metadata"
        ) { exam throws(RuleEnd) in
            let first = try token(exam)
            _ = try token(exam)
            let status = try status(exam, with: first)
            try expect(status == 200, "\(leaf) with the older token: status \(status): expected 200")
        },
        Rule(
            "token-wrong", .imdsv2, .must, "A read with a wrong token is answered with 401, even if no token is required",
            breaks: "cloud-init, botocore and Go drop a token only after a 401: an agent would keep the token of an earlier boot",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: _refresh_stale_aws_token_cb; botocore/utils.py"
        ) { exam throws(RuleEnd) in
            let status = try status(exam, with: "AQAEAwrongWrongWrongWrongWrongWrongWrongWrongWrongWrong==")
            try expect(status == 401, "\(leaf) with a wrong token: status \(status): expected 401")
        },
        Rule(
            "token-expired", .imdsv2, .must, "A read with an expired token is answered with 401",
            breaks: "cloud-init and the SDKs request a new token only after a 401",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: _refresh_stale_aws_token_cb"
        ) { exam throws(RuleEnd) in
            let text = try token(exam, lifetime: "1")
            usleep(2_100_000)
            let status = try status(exam, with: text)
            try expect(status == 401, "\(leaf) with a token that has expired: status \(status): expected 401")
        },
        Rule(
            "token-ttl-invalid", .imdsv2, .should, "\(put) without a lifetime from 1 to 21600 is answered with 400",
            breaks: "a client's mistake goes unnoticed until it meets AWS",
            source: "AWS: Use the Instance Metadata Service to access instance metadata"
        ) { exam throws(RuleEnd) in
            for value in [nil, "0", "-1", "21601", "soon", ""] {
                let fields = (value.map { [Examination.Field(ProbeClient.lifetimeField, $0)] } ?? []) + [noBody]
                let status = try exam.send("PUT", ProbeClient.tokenTarget, fields).status
                let shown = value.map { "a lifetime of '\($0)'" } ?? "no lifetime"
                try expect(status == 400, "\(put) with \(shown): status \(status): expected 400")
            }
        },
        Rule(
            "token-forwarded", .imdsv2, .should, "\(put) with X-Forwarded-For is answered with 403",
            breaks: "a proxy in the guest that forwards requests gives its clients the instance's credentials",
            source: "AWS: Add defense in depth against open firewalls, reverse proxies, and SSRF vulnerabilities (2019-11-19)"
        ) { exam throws(RuleEnd) in
            let status = try exam.send(
                "PUT", ProbeClient.tokenTarget,
                [.init(ProbeClient.lifetimeField, "60"), .init("X-Forwarded-For", "192.0.2.1"), noBody]
            ).status
            try expect(status == 403, "\(put) with X-Forwarded-For: status \(status): expected 403")
        },
        Rule(
            "token-method", .imdsv2, .should, "GET \(ProbeClient.tokenTarget) returns no token",
            breaks: "a web page in the guest's browser could get a token: browsers send other sites a GET, but no PUT",
            source: "AWS: Use the Instance Metadata Service to access instance metadata"
        ) { exam throws(RuleEnd) in
            let status = try exam.send("GET", ProbeClient.tokenTarget, [.init(ProbeClient.lifetimeField, "60")]).status
            try expect((400...499).contains(status), "GET \(ProbeClient.tokenTarget): status \(status): expected 405")
        },
    ]
}
