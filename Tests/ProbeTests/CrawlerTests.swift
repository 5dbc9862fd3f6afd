import Foundation
import Probe
import Recording
import Testing

/// Walks through a small server, and through servers that never end.
struct CrawlerTests {
    private static func recording(
        of defect: String, _ servers: BrokenServers, latestOnly: Bool = false, change: (inout CrawlLimits) -> Void = { _ in }
    ) throws -> Recording {
        var limits = CrawlLimits()
        limits.timeout = .seconds(2)
        change(&limits)
        var crawler = try Crawler(servers.url(defect), limits: limits)
        return try crawler.run(latestOnly: latestOnly)
    }

    @Test func `every tree, version and file is recorded as the server sends it`() throws {
        let servers = try BrokenServers(["none", "token-required", "no-tokens"])
        for (name, policy, status) in [
            ("none", Recording.TokenPolicy.optional, 200), ("token-required", .required, 200), ("no-tokens", .none, 404),
        ] {
            let recording = try Self.recording(of: name, servers)
            #expect(recording.tokens == policy)
            #expect(recording.tokenStatus == status)
            #expect(recording.omissions == [])
            let targets = recording.responses.map(\.target)
            for target in [
                "/", "/latest/", "/latest/meta-data/", "/latest/meta-data/network/interfaces/macs/52:54:00:0e:00:05/vpc-id",
                "/2009-04-04/meta-data/instance-id", "/2021-03-23/user-data", "/latest/meta-data/public-keys/0/openssh-key",
                "/latest/meta-data/iam/security-credentials/web", "/latest/dynamic/instance-identity/document", "/openstack",
                "/openstack/2012-08-10/meta_data.json", "/openstack/latest/vendor_data2.json", "/openstack/content/0000",
                "/openstack/latest/password", "/nocloud/meta-data", "/nocloud/network-config",
                "/latest/meta-data/spot/instance-action",
            ] {
                #expect(targets.contains(target), "\(name): \(target)")
            }
            // A server that ignores the final slash needs one form of each path.
            #expect(!targets.contains("/latest/meta-data"))
            #expect(Set(targets).count == targets.count)
        }
        let recording = try Self.recording(of: "none", servers)
        let response = try #require(recording.responses.first { $0.target == "/latest/meta-data/security-groups" })
        #expect(response.body == Array("default\nweb".utf8))
        #expect(response.fields.map(\.name) == ["Server", "Connection", "Content-Type", "Content-Length"])
        #expect(recording.absent?.status == 404)
        #expect(recording.responses.first { $0.target == "/latest/meta-data/spot/instance-action" }?.status == 404)
        let latest = try Self.recording(of: "none", servers, latestOnly: true)
        #expect(latest.responses.allSatisfy { !$0.target.contains("20") || $0.target.hasPrefix("/latest/") })
        #expect(latest.responses.contains { $0.target == "/openstack/latest/meta_data.json" })
    }

    @Test func `what a form of a path answers otherwise is recorded`() throws {
        let servers = try BrokenServers(["slash-directory", "slash-leaf"])
        let directories = RecordingIndex(try Self.recording(of: "slash-directory", servers))
        #expect(directories.response(to: "/latest/meta-data")?.status == 301)
        #expect(directories.response(to: "/latest/meta-data")?.field("location") == "/latest/meta-data/")
        #expect(directories.recording.omissions.first == "/latest: redirects to /latest/, which was not followed")
        let leaves = RecordingIndex(try Self.recording(of: "slash-leaf", servers))
        #expect(leaves.response(to: "/latest/meta-data/hostname/")?.status == 404)
        #expect(leaves.response(to: "/latest/meta-data/hostname")?.status == 200)
    }

    @Test func `a server that redirects, lists itself, never ends or climbs out ends, and is described`() throws {
        let servers = try BrokenServers(["redirects", "lists-itself", "never-ends", "climbs-out", "endless", "truncated"])
        let redirects = try Self.recording(of: "redirects", servers)
        #expect(
            redirects.omissions.contains(
                "/latest/meta-data/: redirects to http://192.0.2.1/latest/meta-data/, which was not followed"))
        #expect(redirects.responses.contains { $0.target == "/openstack/latest/meta_data.json" })

        let itself = try Self.recording(of: "lists-itself", servers, latestOnly: true)
        #expect(itself.omissions.dropFirst() == ["/latest/meta-data/again/: lists the same as a directory around it"])

        let endless = try Self.recording(of: "never-ends", servers, latestOnly: true)
        #expect(endless.omissions.contains { $0.hasSuffix(": more than 16 directories deep") }, "\(endless.omissions)")
        let few = try Self.recording(of: "never-ends", servers) { $0.requests = 20 }
        #expect(few.omissions.last == "stopped after 20 requests")
        let small = try Self.recording(of: "none-of-it", try BrokenServers(["none-of-it"])) { $0.bytes = 1000 }
        #expect(small.omissions.first?.hasPrefix("stopped after 1") == true, "\(small.omissions)")
        let short = try Self.recording(of: "never-ends", servers) { $0.time = .milliseconds(20) }
        #expect(short.omissions.last == "stopped after 20 ms")

        let climbing = try Self.recording(of: "climbs-out", servers, latestOnly: true)
        #expect(
            climbing.omissions == [
                "/latest/meta-data/: lists '../../etc', which leads out of it",
                "/latest/meta-data/: lists '..', which leads out of it",
                "/latest/meta-data/: lists 'a//b', which leads out of it",
            ])
        #expect(climbing.responses.contains { $0.target == "/latest/meta-data/instance-id" })

        let long = try Self.recording(of: "endless", servers, latestOnly: true)
        #expect(long.omissions.first == "/latest/user-data: response too long: a body of more than 16777216 bytes")
        #expect(long.responses.contains { $0.target == "/openstack/latest/meta_data.json" })
        let cut = try Self.recording(of: "truncated", servers, latestOnly: true)
        #expect(cut.omissions.first == "/latest/user-data: connection closed: 124 of 134 bytes of the body")
    }

    @Test func `what is recorded can be read again, whatever the server sends`() throws {
        let servers = try BrokenServers(["odd-fields"])
        var recording = try Self.recording(of: "odd-fields", servers, latestOnly: true)
        // What is never written.
        (recording.unanswered, recording.sessionTokens) = ([], [])
        #expect(
            recording.omissions.first
                == "/latest/meta-data/hostname: header fields that are not valid: Bad(Name), X-Control, X-Long")
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RecordingFolder.write(recording, to: path)
        let read = try RecordingFolder.read(path)
        #expect(read == recording)
        #expect(RecordingIndex(read).response(to: "/latest/meta-data/hostname")?.field("x-good") == "x")
    }

    @Test func `an omission of each request is one of a few, and the end of the crawl comes last`() throws {
        let servers = try BrokenServers(["ever-new"])
        let recording = try Self.recording(of: "ever-new", servers) { $0.requests = 400 }
        let deep = recording.omissions.filter { $0.hasPrefix("/") && $0.hasSuffix(": more than 16 directories deep") }
        #expect(deep.count == 5)
        #expect(recording.omissions.contains { $0.wholeMatch(of: /\d{2,} more: more than 16 directories deep/) != nil })
        #expect(recording.omissions.count < 20, "\(recording.omissions)")
        #expect(recording.omissions.last == "stopped after 400 requests")
        #expect(recording.isCut)
        let short = try Self.recording(of: "ever-new", servers) { ($0.time, $0.reserve) = (.seconds(2), .milliseconds(1900)) }
        #expect(short.omissions.last == "stopped when 1 s of 2 s were left, to examine and write what was read")
    }

    @Test func `a server that is busy is asked again, whatever it says about the time`() throws {
        let servers = try BrokenServers(["busy"])
        let recording = try Self.recording(of: "busy", servers, latestOnly: true)
        #expect(recording.responses.first { $0.target == "/latest/meta-data/hostname" }?.status == 200)
        #expect(recording.omissions == [])
    }

    @Test func `a new token that is more than one word is not sent`() throws {
        let servers = try BrokenServers(["renewed-token"])
        let recording = try Self.recording(of: "renewed-token", servers, latestOnly: true)
        let statuses = Set(recording.responses.map(\.status))
        // A field that the token brings with it is answered with 500.
        #expect(statuses.contains(401) && !statuses.contains(500), "\(statuses)")
    }

    @Test func `an address that does not answer leaves time for the next one`() throws {
        // A listener whose queue is full answers no connection; Linux drops its SYNs.
        let full = try FullListener()
        let servers = try BrokenServers(["none"])
        let start = ContinuousClock.now
        let addresses = try ProbeURL("http://127.0.0.1:\(full.port)").addresses() + servers.url("none").addresses()
        let connection = try WireConnection(to: addresses, within: .seconds(2))
        try connection.send("GET / HTTP/1.0\r\n\r\n", within: .seconds(2))
        #expect(try connection.response(within: .seconds(2), mostBytes: 1000).status == 200)
        #expect(start.duration(to: .now) < .seconds(3))
    }

    @Test func `a server that stops answering ends the crawl after three requests, each of which is named`() throws {
        let servers = try BrokenServers(["hangs-later"])
        let start = ContinuousClock.now
        let recording = try Self.recording(of: "hangs-later", servers) { $0.timeout = .milliseconds(300) }
        #expect(start.duration(to: .now) < .seconds(3))
        let silent = recording.omissions.dropLast()
        #expect(silent.count == 3, "\(recording.omissions)")
        #expect(silent.allSatisfy { $0.wholeMatch(of: /\/latest\/.+: timeout: no response after 300 ms/) != nil }, "\(silent)")
        #expect(recording.omissions.last == "stopped after 3 requests in a row without a response")
        #expect(recording.isCut)
        // The last request has what is left of the whole time.
        let short = try BrokenServers(["hangs-later"])
        let second = ContinuousClock.now
        let cut = try Self.recording(of: "hangs-later", short) { ($0.timeout, $0.time) = (.seconds(60), .seconds(1)) }
        #expect(second.duration(to: .now) < .seconds(5))
        #expect(cut.omissions.last == "stopped after 1 s")
    }

    @Test func `what is no listing is described with its line`() throws {
        let servers = try BrokenServers(["control-character"])
        let recording = try Self.recording(of: "control-character", servers, latestOnly: true)
        #expect(
            recording.omissions == ["/latest/meta-data/: not a listing: line 3, 'host\\u{0}name', has a control character"])
    }

    @Test func `nothing is recorded of a server that hangs, is none, or answers everything alike`() throws {
        let servers = try BrokenServers(BrokenServers.withoutMetadata)
        let start = ContinuousClock.now
        for (url, problem) in try servers.problemsWithoutMetadata(timeout: 200) {
            var limits = CrawlLimits()
            limits.timeout = .milliseconds(200)
            var crawler = try Crawler(url, limits: limits)
            #expect {
                _ = try crawler.run()
            } throws: { "\($0)" == "\(url.text)/: \(problem)" }
        }
        #expect(start.duration(to: .now) < .seconds(3))
    }

    @Test func `secrets are replaced before anything is written, and listed`() throws {
        let servers = try BrokenServers(["secrets"])
        var recording = try Self.recording(of: "secrets", servers)
        let plain = recording
        recording.redact()
        let bodies = recording.responses.map { String(decoding: $0.body, as: UTF8.self) }.joined(separator: "\n")
        for secret in [
            "correct horse battery", "hunter22hunter", "hashhashhash", "MIIEvQIBADAN", "abcdefghijklmnop", "s3cretpw",
            "wJalrXUtnFEMIK7MDENG", "longpassword1", "ASIAIOSFODNN7EXAMPLE", String(repeating: "s", count: 40),
            String(repeating: "t", count: 40), "123456789012",
        ] {
            #expect(!bodies.contains(secret), "\(secret)")
        }
        for kept in ["ssh_pwauth: true", "lock_passwd: true", "ssh-ed25519 AAAAC3", "https://user:", "-----END PRIVATE KEY-----"]
        {
            #expect(bodies.contains(kept), "\(kept)")
        }
        #expect(recording.redactions.contains(.init(target: "/latest/user-data", what: "private key", count: 1)))
        #expect(recording.responses.map(\.target) == plain.responses.map(\.target))
        // Nothing was lost but secrets: the paths without any are the same.
        let touched = Set(recording.redactions.map(\.target))
        for (one, other) in zip(plain.responses, recording.responses) where !touched.contains(one.target) {
            #expect(one == other)
        }
        #expect(touched.contains("/openstack/latest/meta_data.json"))
        #expect(!touched.contains("/latest/meta-data/instance-id"))
    }
}
