import Foundation
import Interception
import Testing

@testable import Configuration

/// What a report has besides the configuration: all problems, and the source of each value.
struct ConfigurationReportTests {
    @Test func `all problems are reported at once, each with its line`() throws {
        let yaml = """
            threads: 0
            log-level: loud
            lisen: 127.0.0.1:80
            resync-interval: 10
            defaults:
              projct-id: x
              placement: {zone: y, region: eu}
              hostname: web
              domain: 'a b'
              networks:
                lab: {colour: red}
            """
        let report = try Loading.report(yaml: yaml, environment: ["VIRT_METADATA_GUARD": "maybe"], flags: ["--hop-limit", "65"])
        let problems = report.problems.map { "\($0)".components(separatedBy: "config.yaml").last ?? "" }
        #expect(
            problems == [
                ":1: invalid value '0' for threads: expected an integer from 1 to 64",
                ":2: invalid value 'loud' for log-level: expected trace, debug, info, notice, warning, error or critical",
                ":3: unknown setting 'lisen'; did you mean 'listen'?",
                ":4: invalid value '10' for resync-interval: expected a unit after the number (ms, s, m, h or d), such as 10s",
            ] + problems.dropFirst(4).prefix(5) + [
                "invalid value 'maybe' for VIRT_METADATA_GUARD: expected true or false",
                "invalid value '65' for --hop-limit: expected an integer from 1 to 64",
            ])
        let lines = problems.dropFirst(4).prefix(5).map { $0.prefix { $0 != " " } }
        #expect(Set(lines) == [":6:", ":7:", ":8:", ":9:", ":11:"])
    }

    @Test func `a command that loads the configuration names the first problem and the number of others`() {
        Loading.expect(
            "config.yaml:1: invalid value '0' for threads: expected an integer from 1 to 64 "
                + "(and 2 more: see `virt-metadata config check`)"
        ) { try Loading.text(yaml: "threads: 0\nhop-limit: 0\nx: y") }
    }

    @Test func `each value has its source`() throws {
        let report = try Loading.report(
            yaml: "threads: 2\nhop-limit: 2\nguard: no",
            environment: ["VIRT_METADATA_HOP_LIMIT": "3", "VIRT_METADATA_USER": "a"],
            flags: ["--guard"])
        let sources = report.configuration.sources
        #expect(sources["threads"] == .file(try #require(report.file), line: 1))
        #expect(sources["hop-limit"] == .variable("VIRT_METADATA_HOP_LIMIT"))
        #expect(sources["user"] == .variable("VIRT_METADATA_USER"))
        #expect(sources["guard"] == .flag("--guard"))
        #expect(sources["listen"] == nil)
    }

    // MARK: libvirt's own variables

    private static let libvirt = ["LIBVIRT_DEFAULT_URI": "test:///default"]

    private func connect(
        _ environment: [String: String], flags: [(name: String, values: [String])] = [], usesLibvirtVariables: Bool = true
    ) throws -> [String] {
        let file = try Loading.file("")
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try Configuration.load(
            file: file, environment: environment, flags: flags, usesLibvirtVariables: usesLibvirtVariables
        ).connect
    }

    @Test func `libvirt's variables name the hypervisor where nothing else does`() throws {
        #expect(try connect(Self.libvirt) == ["test:///default"])
        let both = Self.libvirt.merging(["VIRSH_DEFAULT_CONNECT_URI": "test:///virsh"]) { $1 }
        #expect(try connect(both) == ["test:///virsh"])
        #expect(try connect(["VIRSH_DEFAULT_CONNECT_URI": "", "LIBVIRT_DEFAULT_URI": ""]) == ["qemu:///system"])
        #expect(try connect(Self.libvirt, flags: [("connect", ["qemu:///session"])]) == ["qemu:///session"])
        let ours = Self.libvirt.merging(["VIRT_METADATA_CONNECT": "qemu:///session"]) { $1 }
        #expect(try connect(ours) == ["qemu:///session"])
        #expect(try connect(Self.libvirt, usesLibvirtVariables: false) == ["qemu:///system"])
    }

    // MARK: Served bridges

    @Test func `the word all serves every bridge`() throws {
        for yaml in ["network: all", "network: [all]", "networks: all"] {
            let selection = try Loading.configuration(yaml: yaml).interception.selection
            #expect(selection.servesAll && selection.networks.isEmpty)
        }
        #expect(try !Loading.configuration().interception.selection.servesAll)
        let flag = try Loading.configuration(yaml: "network: all", flags: ["--network", "lab"]).interception.selection
        #expect(!flag.servesAll && flag.networks == ["lab"])
        #expect(try Loading.configuration(flags: ["--network", "all", "--listen", "127.0.0.1:80"]).followsBridges())
        Loading.expect("--network: 'all' serves every bridge: give 'all' alone, or names without it") {
            try Loading.text(flags: ["--network", "all", "--network", "lab"])
        }
    }
}
