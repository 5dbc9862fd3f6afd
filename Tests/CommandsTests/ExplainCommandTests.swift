import Foundation
import TestSupport
import Testing

/// `check --explain`, and profiles in commands.
struct ExplainCommandTests {
    private static let folder = "\(Program.fixtures)/instances/profiles"
    private static let arguments = [
        "check", "\(folder)/domain.xml", "\(folder)/networks/front.xml", "\(folder)/networks/back.xml", "--config-file",
        "\(folder)/config.yaml", "--explain",
    ]

    @Test func `the table has each value with its source, and the findings before it`() async throws {
        let output = try await Program.run(more: Self.arguments)
        #expect(output.status == 1)
        let config = "\(Self.folder)/config.yaml"
        for line in [
            #/\nVALUE +CONTENT +SOURCE\n/#, #/\ntags/tag\[owner\] +ann +element \(line 11\)\n/#,
            #/\ntags/tag\[role\] +web +profile web \(.*config\.yaml:22\)\n/#,
            #/\nplacement/availability-zone +eu-1b +profile zone-b \(.*config\.yaml:38\)\n/#,
            #/\ninstance-type +shop\.small +profile shop \(.*config\.yaml:34\)\n/#,
            #/\npublic-keys/public-key\[ops\] +ssh-ed25519 .* +defaults \(.*config\.yaml:4\)\n/#,
            #/\nhostname +shop-7\.shop\.example +derived: the domain's <name>\n/#,
        ] {
            #expect(output.stdout.contains(line), "\(output.stdout)")
        }
        let findings = output.stdout.prefix { $0 != "V" }
        #expect(findings.contains("\(config):35: profiles: shop: imds@hop-limit: invalid value '99' for hop-limit"))
        #expect(findings.contains("/domain.xml: line 9: profile: unknown profile 'shp'; did you mean 'shop'?\n"))
        #expect(!output.stdout.contains("echo web"))
    }

    @Test func `JSON and YAML have the same values`() async throws {
        let json = try await Program.run(more: Self.arguments + ["-o", "json"])
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.stdout.utf8)) as? [String: Any])
        let result = try #require((document["results"] as? [[String: Any]])?.first)
        let values = try #require(result["values"] as? [[String: Any]])
        let role = try #require(values.first { $0["path"] as? String == "tags/tag[role]" })
        #expect(role["value"] as? String == "web" && role["source"] as? String == "profile" && role["detail"] as? String == "web")
        #expect((role["file"] as? String)?.hasSuffix("config.yaml") == true && role["line"] as? Int == 22)
        let kinds = Set(values.compactMap { $0["source"] as? String })
        #expect(kinds == ["element", "profile", "network", "defaults", "setting", "libvirt", "derived"])
        let findings = try #require(result["findings"] as? [[String: Any]])
        #expect(findings.contains { ($0["file"] as? String)?.hasSuffix("config.yaml") == true && $0["line"] as? Int == 35 })
        let yaml = try await Program.run(more: Self.arguments + ["-o", "yaml"])
        #expect(yaml.stdout.contains("path: tags/tag[role]") || yaml.stdout.contains("path: \"tags/tag[role]\""))
        #expect(yaml.stdout.components(separatedBy: "source: ").count == values.count + 1)
        // Without the option nothing is explained.
        let plain = try await Program.run(more: Self.arguments.filter { $0 != "--explain" } + ["-o", "json"])
        #expect(!plain.stdout.contains("\"values\""))
    }

    @Test(.enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
    func `set names profiles, and refuses unknown ones`() async throws {
        let domains = try EditedDomains()
        try domains.define()
        let config = ["--config-file", "\(Self.folder)/config.yaml"]
        let good = try await domains.run(["set", "web", "profile=web", "profile+=shop"] + config)
        #expect(good.status == 0, "\(good)")
        let bad = try await domains.run(["set", "web", "profile=wbe"] + config)
        #expect(bad.status == 1 && bad.stderr.contains("profile: unknown profile 'wbe'; did you mean 'web'?"), "\(bad)")
    }

    @Test func `a file is edited without the profiles of its host`() async throws {
        let output = try await Program.shell(
            "\"$virt_metadata\" set --xml '\(Program.fixtures)/instances/minimal/domain.xml' profile=elsewhere profile+=more")
        #expect(output.status == 0, "\(output)")
        #expect(output.stdout.contains("elsewhere</") && output.stdout.contains("more</"))
    }
}
