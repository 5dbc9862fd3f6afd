import Probe
import Recording

/// What every client needs of connections and requests.
extension Rule {
    private static let instanceID = "/latest/meta-data/instance-id"

    /// A path that is there in whatever tree the server has.
    private static func target(_ exam: Examination) throws(RuleEnd) -> String {
        for target in [instanceID, "/openstack", exam.seed + "meta-data"] where try exam.get(target).status == 200 {
            return target
        }
        throw .skipped("the server has no instance-id, /openstack or seed")
    }

    private static let connections = 20
    /// How long after a head its body may come.
    private static let bodyDelay = Duration.milliseconds(200)

    static let httpRules: [Rule] = [
        Rule(
            "http-1.0", .http, .must, "An HTTP/1.0 request without Host is answered, and the body is not in chunks",
            breaks: "nginx as a proxy speaks HTTP/1.0 to the server by default, and HTTP/1.0 clients do not know chunks",
            source: "RFC 9112 section 6.1; nginx ngx_http_proxy_module: proxy_http_version"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let fields = exam.tokenFields.map { "\($0.name): \($0.value)\r\n" }.joined()
            let response = try exam.wire("GET \(target) HTTP/1.0") { connection throws(WireFailure) in
                try connection.send(
                    "GET \(exam.client.url.prefix)\(target) HTTP/1.0\r\n\(fields)\r\n", within: exam.client.timeout)
                return try connection.response(within: exam.client.timeout, mostBytes: exam.client.mostBytes)
            }
            try expect(response.status == 200, "\(target): status \(response.status): expected 200")
            try expect(response.framing != .chunked, "\(target): the body is in chunks")
        },
        Rule(
            "host-ignored", .http, .must, "The response does not depend on Host: an address, a name, an IPv6 literal",
            breaks: "clients use the hosts 169.254.169.254, [fd00:ec2::254], [fe80::a9fe:a9fe] or instance-data",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py; DataSourceOpenStack.py"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            for host in ["169.254.169.254", "[fe80::a9fe:a9fe]", "[fd00:ec2::254]", "instance-data.:8773"] {
                let response = try exam.fresh(target, [.init("Host", host)])
                try expect(response.status == 200, "\(target) with Host: \(host): status \(response.status): expected 200")
            }
        },
        Rule(
            "keep-alive", .http, .should, "An HTTP/1.1 connection stays open for a second request",
            breaks: "ohai sends all requests on one connection", source: "ohai lib/ohai/mixin/ec2_metadata.rb"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let head = exam.client.head("GET", target, exam.tokenFields)
            let statuses = try exam.wire("two requests on a connection") { connection throws(WireFailure) in
                var statuses: [Int] = []
                for _ in 0..<2 {
                    try connection.send(head, within: exam.client.timeout)
                    let response = try connection.response(within: exam.client.timeout, mostBytes: exam.client.mostBytes)
                    statuses.append(response.status)
                    if !response.keepsConnection { break }
                }
                return statuses
            }
            try expect(statuses == [200, 200], "\(target): the connection is closed after one response")
        },
        Rule(
            "framed-body", .http, .should, "An HTTP/1.1 response says how long its body is",
            breaks: "an interrupted transfer looks complete: user data is cut without an error",
            source: "RFC 9112 section 8"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let response = try exam.fresh(target)
            try expect(
                response.framing != .close, "\(target): neither Content-Length nor chunks: the body ends with the connection")
        },
        Rule(
            "head", .http, .should, "HEAD has the status and length of GET, and no body",
            breaks: "curl --head and health checks wait for a body, or report an error", source: "RFC 9110 section 9.3.2"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let get = try exam.fresh(target)
            let head = exam.client.head("HEAD", target, exam.tokenFields)
            let (response, hasBody) = try exam.wire("HEAD \(target)") { connection throws(WireFailure) in
                try connection.send(head, within: exam.client.timeout)
                let response = try connection.response(isForHead: true, within: exam.client.timeout, mostBytes: 0)
                // A body may come in a packet of its own.
                return (response, connection.sendsMore(within: bodyDelay))
            }
            try expect(response.status == get.status, "HEAD \(target): status \(response.status): expected \(get.status)")
            let length = response.field("content-length")
            try expect(length == get.field("content-length"), "HEAD \(target): Content-Length differs from that of GET")
            try expect(!hasBody, "HEAD \(target): a body follows")
        },
        Rule(
            "absolute-form", .http, .should, "A target with scheme and host is answered, as a client behind http_proxy sends it",
            breaks: "curl sends this form if http_proxy is set to the metadata address", source: "RFC 9112 section 3.2.2"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let fields = exam.tokenFields.map { "\($0.name): \($0.value)\r\n" }.joined()
            let authority = exam.client.url.authority
            let response = try exam.wire("GET http://\(authority)\(target)") { connection throws(WireFailure) in
                try connection.send(
                    "GET http://\(authority)\(exam.client.url.prefix)\(target) HTTP/1.1\r\nHost: \(authority)\r\n\(fields)\r\n",
                    within: exam.client.timeout)
                return try connection.response(within: exam.client.timeout, mostBytes: exam.client.mostBytes)
            }
            try expect(response.status == 200, "http://\(authority)\(target): status \(response.status): expected 200")
        },
        Rule(
            "connect-close", .http, .must, "A connection that is closed without a request changes nothing",
            breaks: "ec2metadata of cloud-guest-utils connects and closes before its first request",
            source: "cloud-utils bin/ec2metadata"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            for _ in 0..<3 { try exam.wire("a connection without a request") { _ throws(WireFailure) in } }
            // A server that handles one connection after the other is found by a new one.
            let head = exam.client.head("GET", target, exam.tokenFields)
            let status = try exam.wire("GET \(target) after connections without a request") { connection throws(WireFailure) in
                try connection.send(head, within: exam.client.timeout)
                return try connection.response(within: exam.client.timeout, mostBytes: exam.client.mostBytes).status
            }
            try expect(status == 200, "\(target): status \(status): expected 200")
        },
        Rule(
            "half-request", .http, .must, "A client that sends half a request does not delay other clients",
            breaks: "one hanging agent blocks all others of the guest", source: "RFC 9112 section 9.5"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let head = exam.client.head("GET", target, exam.tokenFields)
            let status = try exam.wire("GET \(target) beside half a request") { half throws(WireFailure) in
                try half.send("GET \(target) HTTP/1.1\r\nHost:", within: exam.client.timeout)
                let other = try exam.client.connect()
                try other.send(head, within: exam.client.timeout)
                let response = try other.response(within: exam.client.timeout, mostBytes: exam.client.mostBytes)
                _ = half.hasMore
                return response.status
            }
            try expect(status == 200, "\(target): status \(status): expected 200")
        },
        Rule(
            "concurrent", .http, .must, "\(connections) connections at a time are all answered",
            breaks: "cloud-init opens a connection for each path, while agents start: one refused path costs the whole tree",
            source: "cloud-init cloudinit/url_helper.py"
        ) { exam throws(RuleEnd) in
            let target = try target(exam)
            let head = exam.client.head("GET", target, exam.tokenFields)
            try exam.wire("\(connections) connections at a time") { first throws(WireFailure) in
                var all = [first]
                for _ in 1..<connections { all.append(try exam.client.connect()) }
                for connection in all { try connection.send(head, within: exam.client.timeout) }
                let deadline = ContinuousClock.now.advanced(by: exam.client.timeout)
                for connection in all {
                    // All of them together have the time of one.
                    let left = max(.milliseconds(1), ContinuousClock.now.duration(to: deadline))
                    let response = try connection.response(within: left, mostBytes: exam.client.mostBytes)
                    guard response.status == 200 else { throw .malformed("status \(response.status): expected 200") }
                }
            }
        },
    ]

    /// Checked last, over all responses of the run.
    static let speedRule = Rule(
        "speed", .http, .should, "Each response takes less than a second",
        breaks: "botocore tries once and gives up after 1 s; facter waits 0.6 s for a connection",
        source: "botocore/utils.py: InstanceMetadataFetcher; facter lib/facter/resolvers/ec2.rb"
    ) { exam throws(RuleEnd) in
        let (target, time) = exam.slowest
        try expect(time < .seconds(1), "\(shown(target)): \(time.formatted): expected less than 1 s")
    }
}

extension Duration {
    fileprivate var formatted: String { "\(Int(self / .milliseconds(1))) ms" }
}
