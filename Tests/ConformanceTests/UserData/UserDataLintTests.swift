import Description
import Foundation
import Testing

/// The examination of user data: by samples that guests read, and by samples that they do not.
struct UserDataLintTests {
    /// The remarks on user data, written as base64.
    static func remarks(on content: [UInt8]) throws -> [String] {
        let element = "<userdata encoding='base64'>\(Data(content).base64EncodedString())</userdata>"
        let xml = """
            <domain><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>
            <metadata><vm:instance xmlns:vm='urn:virt-metadata:instance:1'>\(element.replacing("userdata", with: "vm:userdata"))</vm:instance></metadata></domain>
            """
        let findings = try InstanceAssembly().assemble(Array(xml.utf8)).findings
        #expect(findings.allSatisfy { $0.element == "userdata" && $0.weight == .note && $0.line == 2 }, "\(findings)")
        // Of a warning the remark itself.
        return findings.map { $0.problem.replacing("cloud-init ignores this user data: ", with: "", maxReplacements: 1) }
    }

    @Test(arguments: GoodUserData.all)
    func `good user data causes no remark`(sample: GoodUserData) throws {
        #expect(try Self.remarks(on: sample.content) == [])
    }

    @Test func `there are many kinds of good user data, compressed ones too`() throws {
        #expect(GoodUserData.all.count >= 40)
        #expect(try Self.remarks(on: GoodUserData.gzip) == [])
    }

    @Test(arguments: BadUserData.all)
    func `bad user data causes one remark that names the line`(sample: BadUserData) throws {
        let remarks = try Self.remarks(on: sample.content)
        let first = try #require(remarks.first)
        #expect(remarks.count == 1, "\(remarks)")
        #expect(first.contains(sample.remark), "\(first)")
        #expect(first.hasPrefix(sample.line.map { "line \($0) of the text: " } ?? "") == true, "\(first)")
        #expect(sample.line != nil || !first.hasPrefix("line "), "\(first)")
    }

    @Test func `several problems of one text are all named, up to a limit`() throws {
        let keys = (0..<50).map { "unknown_\($0): 1\n" }.joined()
        let remarks = try Self.remarks(on: Array("#cloud-config\n\(keys)".utf8))
        #expect(remarks.count == 21)
        #expect(remarks.first?.hasPrefix("line 2 of the text: unknown key 'unknown_0'") == true)
        #expect(remarks.last == "30 more problems are not listed")
        let mixed = try Self.remarks(on: Array("\u{FEFF}#cloud-config x\nruncmd: []\nruncmd: []\nfoo_bar: 1\n".utf8))
        #expect(mixed.count == 4, "\(mixed)")
    }

    @Test(arguments: [(16 << 10, nil), ((16 << 10) + 1, "more than EC2 allows"), (50_000, "more than OpenStack (48 KiB)")])
    func `long user data is noted with the limits of clouds`(bytes: Int, problem: String?) throws {
        let text = "#!/bin/sh\n" + String(repeating: "#", count: bytes - 10)
        let remarks = try Self.remarks(on: Array(text.utf8))
        #expect(remarks.count == (problem == nil ? 0 : 1))
        if let problem { #expect(remarks.first?.contains(problem) == true, "\(remarks)") }
    }

    @Test func `hostile texts cost no more than reading them`() throws {
        let megabyte = 1 << 18
        let texts = [
            "#cloud-config\n" + String(repeating: "[", count: megabyte),
            "#cloud-config\na: &a [x]\n"
                + (0..<30).map { "b\($0): &b\($0) [*\($0 == 0 ? "a" : "b\($0 - 1)"), *\($0 == 0 ? "a" : "b\($0 - 1)")]\n" }
                .joined(),
            "#cloud-config\n" + String(repeating: "\t", count: megabyte), String(repeating: "\n", count: megabyte) + "#!",
            "Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n" + String(repeating: "--a\n", count: megabyte / 4),
            "#include\n" + String(repeating: "x\n", count: megabyte / 2), "{" + String(repeating: "{\"a\":", count: megabyte / 5),
            "#cloud-config-archive\n" + String(repeating: "- '#cloud-config'\n", count: 10_000),
            String(repeating: "From: a\n\n", count: megabyte / 9), " Content-Type: a\nMIME-Version: 1.0\n\n",
            String(repeating: "A", count: megabyte), "#" + String(repeating: "x", count: megabyte),
        ]
        let started = ContinuousClock.now
        for text in texts { #expect(try (1...22).contains(Self.remarks(on: Array(text.utf8)).count), "\(text.prefix(30))") }
        #expect(ContinuousClock.now - started < .seconds(60))
    }
}

/// cloud-init's own judgement of the same samples, by both versions.
@Suite(
    .enabled(
        if: NetworkDocuments.hasClient("cloud-init") && NetworkDocuments.hasClient("cloud-init-newer"),
        "needs cloud-init: run Tests/clients/install-cloud-init.sh"))
struct CloudInitUserDataTests {
    /// What cloud-init warns of, for each user data.
    private func warnings(_ version: String, _ contents: [[UInt8]]) throws -> [[String]] {
        let lines = contents.map { "\(version) \(Data($0).base64EncodedString())" }
        return try NetworkDocuments.judged(by: "cloud_init_user_data.py", lines).map {
            try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
    }

    @Test(arguments: ["cloud-init", "cloud-init-newer"])
    func `cloud-init reads the good ones without a warning, and not the bad ones`(version: String) throws {
        let good = GoodUserData.all.filter(\.isForCloudInit)
        for (sample, warnings) in zip(good, try warnings(version, good.map(\.content))) {
            #expect(warnings == [], "\(sample.name)")
        }
        let all = try warnings(version, BadUserData.all.map(\.content))
        #expect(all.count == BadUserData.all.count)
        for (sample, warnings) in zip(BadUserData.all, all) where sample.isRefused {
            #expect(!warnings.isEmpty, "\(sample.name)")
        }
    }
}
