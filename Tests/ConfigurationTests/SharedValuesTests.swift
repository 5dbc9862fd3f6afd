import Common
import Description
import Testing

@testable import Configuration

/// `defaults` and `profiles` of the configuration file.
struct SharedValuesTests {
    /// What is wrong, without the folder of the file.
    private static func problems(_ yaml: String) throws -> (problems: [String], faults: [String]) {
        let report = try Loading.report(yaml: yaml)
        func short(_ errors: [ConfigurationError]) -> [String] {
            errors.map { "\($0)".replacing(/^.*-config\.yaml:/, with: "") }
        }
        return (short(report.problems), short(report.faults))
    }

    @Test func `profiles are read in every form, and named`() throws {
        let yaml = """
            defaults: {profile: base}
            profiles:
              base:
                public-keys: {admin: ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB}
                domain: example.org
              web:
                profile: [base, other]
                merge: add
                tags: {role: web}
                tags@merge: replace
                userdata:
                  - |
                    #cloud-config
                    a: 1
                  - {type: text/x-shellscript-per-boot, content: "#!/bin/sh"}
                vendordata: "#cloud-config"
                interfaces:
                  interface[*]: {dns: [192.0.2.53, 192.0.2.54], route: [{to: 198.51.100.0/24, via: 192.0.2.1, metric: 7}]}
              other:
              empty: {}
            """
        let report = try Loading.report(yaml: yaml)
        #expect(report.problems.isEmpty && report.faults.isEmpty, "\(report.problems) \(report.faults)")
        #expect(report.configuration.defaults.profileNames == ["base", "empty", "other", "web"])
        #expect(report.configuration.defaults.profileFindings.isEmpty)
        let same = try Loading.report(yaml: yaml.replacing("tags: {role: web}", with: "tags/tag[role]: web"))
        #expect(same.configuration.defaults == report.configuration.defaults)
        let every = try Loading.report(yaml: yaml.replacing("interface[*]: {dns", with: "interface: {dns"))
        #expect(every.configuration.defaults == report.configuration.defaults)
        let other = try Loading.report(yaml: yaml.replacing("role: web", with: "role: db"))
        #expect(other.configuration.defaults.differences(from: report.configuration.defaults) == ["profiles"])
        #expect(try Loading.report(yaml: "").configuration.defaults.differences(from: report.configuration.defaults).count == 2)
    }

    @Test(
        arguments: [
            ("profiles:\n  p:\n    tags: {}", "3: profiles: p: tags: missing value"),
            (
                "profiles:\n  p:\n    projct-id: x",
                "3: profiles: p: projct-id: unknown element 'projct-id' in instance; did you mean"
            ),
            ("profiles:\n  p: 3", "2: profiles: p: expected a mapping of elements to values"),
            ("profiles:\n  p:\n    imds@tokens: maybe", "3: profiles: p: imds@tokens: invalid value 'maybe' for tokens"),
            ("profiles:\n  p:\n    merge: both", "3: profiles: p: merge: expected add or replace"),
            ("profiles:\n  p:\n    tags@merge: both", "3: profiles: p: tags@merge: invalid value 'both' for merge"),
            ("profiles:\n  p:\n    domain: a b", "3: profiles: p: domain: 'a b' is not a valid DNS domain"),
            ("profiles:\n  p:\n    networks: {a: {}}", "3: profiles: p: networks/a: missing value"),
            ("profiles:\n  p:\n    profile: p", "3: profiles: p: profile: the profile includes itself"),
            ("profiles:\n  p:\n    profile: [q, r]\n  q:", "3: profiles: p: profile: unknown profile 'r'"),
            ("profiles:\n  p:\ndefaults: {profile: q}", "3: defaults: profile: unknown profile 'q'"),
            (
                "profiles:\n  p:\n    imds: required",
                "3: profiles: p: imds: the text is not read: expected the attributes"
            ),
            ("profiles:\n  p:\n    <<: {domain: x}", "3: profiles: p: merge keys (<<) are not read: write profile: NAME"),
            ("profiles:\n  p:\n    userdata: {type: a/b}", "3: profiles: p: userdata: missing content"),
            ("profiles:\n  p:\n    userdata: {content: a, name: b}", "3: profiles: p: userdata: unknown key 'name'"),
            ("profiles:\n  p:\n    userdata: {content: a, type: b}", "3: profiles: p: userdata: invalid type 'b'"),
            ("profiles:\n  p:\n    tags:\n      a: 1\n      a/b: \"\\x01\"", "5: profiles: p: tags/tag[a/b]: "),
        ] as [(String, String)]) func `a mistake in a profile costs its value, with its line`(yaml: String, sentence: String)
        throws
    {
        let found = try Self.problems(yaml)
        #expect(found.problems.isEmpty && found.faults.count == 1 && found.faults[0].hasPrefix(sentence), "\(found)")
        // A server starts.
        _ = try Loading.configuration(yaml: yaml)
    }

    @Test func `the other values of that profile are used`() throws {
        let found = try Loading.report(yaml: "profiles:\n  p:\n    tags: {a: 1, b: [2]}\n    imds@hop-limit: 99\n    owner-id: x")
        #expect(found.faults.count == 1)
        let domain = Array(
            """
            <domain><name>w</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>
            <metadata><instance xmlns='urn:virt-metadata:instance:1'><profile>p</profile></instance></metadata></domain>
            """.utf8)
        let assembled = try InstanceAssembly(defaults: found.configuration.defaults).assemble(domain)
        #expect(assembled.instance.launch.owner == "x" && assembled.instance.documents.tags.map(\.value) == ["1", "2"])
        #expect(assembled.findings.filter { $0.weight == .unusable }.map(\.line) == [4])
        #expect(assembled.findings.allSatisfy { $0.weight == .note || $0.file?.hasSuffix("-config.yaml") == true })
    }

    @Test func `what is no mapping of profiles is a mistake of the file`() throws {
        #expect(try Self.problems("profiles: [a]").problems == ["1: profiles: expected a mapping of names to profiles"])
        #expect(try Self.problems("profiles:").problems.isEmpty)
        #expect(try Self.problems("profile: {}").problems == ["1: unknown setting 'profile'; did you mean 'profiles'?"])
    }

    // MARK: Bounds

    @Test func `a file has at most a thousand profiles`() throws {
        let names = (1...1001).map { "  p\($0): {owner-id: x}\n" }.joined()
        let report = try Loading.report(yaml: "profiles:\n" + names)
        #expect(report.faults.map(\.problem) == ["profiles: more than 1000 profiles"])
        #expect(report.configuration.defaults.profileNames.count == 1000)
    }

    @Test func `a profile of a mebibyte and thousands of values is read in one go`() throws {
        let tags = (1...2000).map { "      t\($0): \($0)\n" }.joined()
        let text = String(repeating: "# 0123456789\n        ", count: 60_000)
        let yaml = "profiles:\n  p:\n    userdata: |\n        #!/bin/sh\n        \(text)\n    tags:\n\(tags)      bad/\u{7}: 1\n"
        let started = ContinuousClock.now
        let report = try Loading.report(yaml: yaml.replacing("\u{7}", with: "x"))
        #expect(report.configuration.defaults.profileNames == ["p"])
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    @Test func `a thousand profiles in a circle lose one name`() throws {
        let circle = (0..<1000).map { "  p\($0): {profile: p\(($0 + 1) % 1000), owner-id: x}\n" }.joined()
        let report = try Loading.report(yaml: "profiles:\n" + circle)
        let circles = report.faults.filter { $0.problem.contains("includes itself") }
        #expect(circles.count == 1 && (circles.first?.problem.utf8.count ?? 0) < 500)
    }
}
