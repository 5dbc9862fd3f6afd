import Conformance
import Foundation
import Probe
import Testing

/// Each rule, against a server that holds all of them and servers that break one.
struct RuleTests {
    /// The servers, and which other rules their defect breaks too.
    private static let defects: [(name: String, others: Set<String>)] = [
        ("http-1.0", []), ("host-ignored", []), ("keep-alive", []), ("framed-body", ["keep-alive"]), ("head", []),
        ("head:body", []), ("head:late", []),
        ("absolute-form", []), ("connect-close", ["*"]), ("half-request", ["keep-alive", "concurrent"]), ("concurrent", []),
        ("token-put", ["*"]), ("token-text", ["*"]), ("token-without-length", []), ("token-header-case", ["token-get"]),
        ("token-ttl-answer", []), ("token-get", ["*"]), ("token-two", ["*"]), ("token-wrong", []), ("token-expired", []),
        ("token-ttl-invalid", []), ("token-forwarded", []), ("token-method", []), ("versions-list", []),
        ("version-2009-04-04", []), ("version-of-clients", []), ("version-unknown", []), ("path-unknown", []),
        ("version-root", []), ("entries-answer", ["slash-leaf"]), ("listing-newline", []), ("listing-empty", []),
        ("listing-duplicates", []), ("leaf-newline", []), ("slash-directory", ["public-keys", "public-keys-by-line"]),
        ("slash-leaf", []), ("double-slash", []), ("percent-encoding", []), ("dot-segments", []), ("instance-id", ["nocloud"]),
        ("instance-id:stable", ["identity-agrees", "slash-leaf"]), ("instance-id-form", []), ("public-keys:form", []),
        ("public-keys:equals", []), ("public-keys:no-key", []), ("public-keys-by-line", []), ("public-keys-absent", []),
        ("availability-zone", []), ("region", []), ("identity-document", []), ("identity-agrees", []),
        ("network-complete:case", ["mac"]), ("network-complete:number", []), ("network-vpc", []), ("mac", []), ("local-ipv4", []),
        ("user-data:empty", []), ("user-data:stable", ["user-data-encoding"]), ("user-data-encoding", []),
        ("credentials:date", []),
        ("credentials:member", []), ("openstack-versions", ["openstack-known-version"]), ("openstack-slash", []),
        ("openstack-known-version", []),
        ("openstack-old-versions", []), ("openstack-version-unknown", []), ("openstack-listed-files", []), ("meta-data-uuid", []),
        ("meta-data-names", []), ("meta-data-keys:list", []), ("meta-data-keys:type", []), ("meta-data-no-null:meta", []),
        ("meta-data-no-null:files", []), ("random-seed", []), ("files-answer", []), ("openstack-user-data", []),
        ("vendor-data:empty", []), ("vendor-data:text", []), ("network-data-empty", []), ("network-data:type", []),
        ("network-data:link", []), ("network-data-name", []), ("password-read", []), ("openstack-ec2-tree", ["*"]),
        ("nocloud-meta-data", []), ("nocloud-user-data", []), ("nocloud-vendor-data", []), ("nocloud-network-config", []),
        ("speed", []),
    ]

    private static func rule(of defect: String) -> String { String(defect.prefix { $0 != ":" }) }

    private static func failed(_ result: ConformanceResult) -> [String: String] {
        var failed: [String: String] = [:]
        for check in result.checks {
            if case .fails(let problem) = check.outcome { failed[check.rule.name] = problem }
            if check.outcome == .notChecked { failed[check.rule.name] = "not checked" }
        }
        return failed
    }

    private static func options(skipping skipped: Set<String> = []) -> Conformance.Options {
        var options = Conformance.Options()
        options.profiles = Set(Profile.allCases)
        (options.timeout, options.skipped) = (.seconds(2), skipped)
        return options
    }

    @Test func `each rule has a server that breaks it`() {
        #expect(Set(Self.defects.map { Self.rule(of: $0.name) }) == Set(Rule.all.map(\.name)))
        #expect(Set(Rule.all.map(\.name)).count == Rule.all.count)
    }

    @Test func `a server without a defect holds every rule`() throws {
        let servers = try BrokenServers(["none", "no-keys", "token-required"])
        let result = try Conformance(servers.url("none"), Self.options()).run()
        #expect(Self.failed(result) == [:])
        #expect(result.checks.count == Rule.all.count)
        // What is not there is skipped, and nothing else.
        let skipped = result.checks.filter { if case .skipped = $0.outcome { true } else { false } }.map(\.rule.name)
        #expect(skipped == ["public-keys-absent"])
        #expect(result.conforms(isStrict: true))
        for name in ["no-keys", "token-required"] {
            let result = try Conformance(servers.url(name), Self.options(skipping: ["token-expired"])).run()
            #expect(Self.failed(result) == [:], "\(name)")
        }
    }

    @Test func `a server with one defect fails its rule and no other`() throws {
        let servers = try BrokenServers(Self.defects.map(\.name))
        for (name, others) in Self.defects {
            let rule = Self.rule(of: name)
            // It waits two seconds for its token.
            let options = Self.options(skipping: rule == "token-expired" ? [] : ["token-expired"])
            let result = try Conformance(servers.url(name), options).run()
            let failed = Self.failed(result)
            #expect(failed[rule] != nil, "\(name): its rule holds: \(failed)")
            if !others.contains("*") {
                let more = Set(failed.keys).subtracting(others).subtracting([rule])
                #expect(more.isEmpty, "\(name) fails more: \(failed.filter { more.contains($0.key) })")
            }
        }
    }

    @Test func `the profiles are those that the server answers`() throws {
        let servers = try BrokenServers(["none", "no-tokens", "openstack-off", "nocloud-off", "openstack-ec2-tree"])
        for (name, profiles) in [
            ("none", [Profile.imdsv2, .ec2, .openstack, .nocloud]), ("no-tokens", [.ec2, .openstack, .nocloud]),
            ("openstack-off", [.imdsv2, .ec2, .nocloud]), ("nocloud-off", [.imdsv2, .ec2, .openstack]),
            ("openstack-ec2-tree", [.imdsv2, .openstack, .nocloud]),
        ] {
            var options = Conformance.Options()
            options.only = ["http-1.0"]
            let result = try Conformance(servers.url(name), options).run()
            #expect(result.profiles == Set(profiles), "\(name)")
            #expect(result.checks.map(\.rule.name) == ["http-1.0"])
            #expect(result.conforms(isStrict: true), "\(name)")
        }
    }

    @Test func `the profile of connections can be checked alone, and what is skipped is named with its reason`() throws {
        let servers = try BrokenServers(["none"])
        var options = Self.options()
        options.profiles = [.http]
        let connections = try Conformance(servers.url("none"), options).run()
        #expect(connections.checks.map(\.rule.name) == Rule.all.filter { $0.profile == .http }.map(\.name))
        #expect(connections.conforms(isStrict: true))
        options = Self.options()
        options.only = ["public-keys-absent"]
        let text = ConformanceReport(try Conformance(servers.url("none"), options).run(), isStrict: false).text(as: .text)
        #expect(text.firstMatch(of: /skip  ec2 public-keys-absent: \S.+\n/) != nil, "\(text)")
    }

    @Test func `a server that hangs, is none, or is not HTTP has one clear result`() throws {
        let servers = try BrokenServers(BrokenServers.withoutMetadata)
        var options = Conformance.Options()
        options.timeout = .milliseconds(300)
        let start = ContinuousClock.now
        for (url, problem) in try servers.problemsWithoutMetadata(timeout: 300) {
            #expect {
                _ = try Conformance(url, options).run()
            } throws: { "\($0)" == "\(url.text)/: \(problem)" }
        }
        #expect(start.duration(to: .now) < .seconds(5))
    }

    @Test func `a slow server ends the run after its time, also within one rule`() throws {
        let servers = try BrokenServers(["slow"])
        var options = Conformance.Options()
        (options.time, options.only) = (.seconds(3), ["instance-id", "entries-answer", "public-keys"])
        let start = ContinuousClock.now
        let result = try Conformance(servers.url("slow"), options).run()
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(result.bailOut == "the rules took more than 3 s")
        #expect(result.checks.map(\.outcome) == [.notChecked, .notChecked, .notChecked])
        #expect(!result.conforms(isStrict: false))
    }

    @Test func `a server whose responses are too many bytes ends the run`() throws {
        let servers = try BrokenServers(["none"])
        var options = Conformance.Options()
        options.bytes = 4000
        let result = try Conformance(servers.url("none"), options).run()
        #expect(result.bailOut == "the server's responses have more than 4000 bytes")
        #expect(result.checks.contains { $0.outcome == .holds } && result.checks.last?.outcome == .notChecked)
        #expect(!result.conforms(isStrict: false))
    }

    @Test func `connections that are answered one after the other have one time together`() throws {
        let servers = try BrokenServers(["slow-in-turn"])
        var options = Conformance.Options()
        (options.timeout, options.only) = (.seconds(1), ["concurrent"])
        let start = ContinuousClock.now
        let result = try Conformance(servers.url("slow-in-turn"), options).run()
        #expect(start.duration(to: .now) < .seconds(6))
        #expect(result.checks.map(\.outcome) != [.holds])
    }

    @Test func `a server that begins to hang ends the run`() throws {
        let servers = try BrokenServers(["connect-close"])
        var options = Conformance.Options()
        options.timeout = .milliseconds(300)
        let start = ContinuousClock.now
        let result = try Conformance(servers.url("connect-close"), options).run()
        #expect(result.bailOut == "the server did not respond in 3 rules in a row")
        #expect(!result.conforms(isStrict: false))
        #expect(result.checks.contains { $0.outcome == .notChecked })
        #expect(start.duration(to: .now) < .seconds(10))
        let tap = ConformanceReport(result, isStrict: false).text(as: .tap)
        #expect(tap.hasSuffix("Bail out! the server did not respond in 3 rules in a row\n"))
    }
}
