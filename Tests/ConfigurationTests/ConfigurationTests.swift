import ArgumentParser
import Foundation
import Guests
import TestSupport
import Testing
import VendorData

@testable import Commands
@testable import Configuration
@testable import Host
@testable import Server

/// Flags, environment and file: one table of settings, and three sources for each.
struct ConfigurationTests {
    // MARK: The table

    @Test(arguments: Setting.all)
    func `each setting is the same by flag, by variable and by key`(_ setting: Setting) throws {
        let bare = try Self.load()
        let flag = setting.kind == .flag ? ["--\(setting.name)"] : ["--\(setting.name)", setting.example]
        let byFlag = try Self.load(flags: flag)
        let byVariable = try Self.load(environment: [setting.variable: setting.example])
        let byKey = try Self.load(yaml: "\(setting.name): \(setting.example)")
        #expect(byFlag != bare, "its example changes something")
        #expect(byVariable == byFlag)
        #expect(byKey == byFlag)
    }

    @Test(arguments: Setting.all)
    func `each setting is distinct, and has a help text`(_ setting: Setting) {
        #expect(Setting.all.count { $0.name == setting.name } == 1)
        #expect(setting.name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
        #expect(setting.help.hasSuffix("."))
        #expect(!setting.valueName.isEmpty)
        let help = Self.help
        let option = setting.kind == .flag ? "--\(setting.name)/--no-\(setting.name)" : "--\(setting.name) <\(setting.valueName)>"
        #expect(help.contains(option))
        #expect(help.contains(setting.help))
    }

    @Test(arguments: Setting.all.filter { $0.kind != .flag })
    func `an empty value is an error`(_ setting: Setting) {
        Self.expect("--\(setting.name): has no value") { try Self.load(flags: ["--\(setting.name)", ""]) }
        Self.expect("environment variable \(setting.variable): has no value") {
            try Self.load(environment: [setting.variable: ""])
        }
        for nothing in ["", "~", "null", "''"] {
            Self.expect("config.yaml, line 2: \(setting.name): has no value") {
                try Self.load(yaml: "\n\(setting.name): \(nothing)")
            }
        }
    }

    // MARK: The three sources

    @Test func `the flag wins over the variable, the variable over the file, the file over the default`() throws {
        let file = "threads: 2\nrequest-timeout: 2s\nidle-timeout: 2s\nhold-timeout: 2s"
        let environment = ["VIRT_METADATA_REQUEST_TIMEOUT": "3s", "VIRT_METADATA_IDLE_TIMEOUT": "3s", "PATH": "/bin"]
        let loaded = try Self.configuration(yaml: file, environment: environment, flags: ["--idle-timeout", "4s"])
        #expect(loaded.threads == 2)
        #expect(loaded.limits.holdTimeout == .seconds(2))
        #expect(loaded.limits.requestTimeout == .seconds(3))
        #expect(loaded.limits.idleTimeout == .seconds(4))
        #expect(loaded.limits.connections == 8192)
    }

    @Test func `a list is a sequence, comma-separated, or a repeated flag`() throws {
        let expected = try Self.load(flags: ["--listen", "127.0.0.1:80", "--listen", "[::1]:80"])
        #expect(try Self.load(yaml: "listen:\n- 127.0.0.1:80\n- '[::1]:80'") == expected)
        #expect(try Self.load(yaml: "listen: ['127.0.0.1:80', '[::1]:80']") == expected)
        #expect(try Self.load(yaml: "listen: 127.0.0.1:80, [::1]:80") == expected)
        #expect(try Self.load(flags: ["--listen", "127.0.0.1:80,[::1]:80"]) == expected)
        #expect(try Self.load(environment: ["VIRT_METADATA_LISTEN": " 127.0.0.1:80 ,[::1]:80"]) == expected)
        #expect(try Self.load(yaml: "trust-forwarded-for: []") == Self.load(), "nobody, as by default")
    }

    @Test func `a list of a stronger source replaces a weaker one's`() throws {
        let loaded = try Self.configuration(yaml: "listen: 127.0.0.1:80", flags: ["--listen", "127.0.0.1:81"])
        #expect(loaded.listen.map(\.inBrackets) == ["127.0.0.1:81"])
    }

    @Test func `hypervisors are a sequence, comma-separated, or a repeated flag`() throws {
        let uris = ["qemu:///system", "qemu+ssh://b/system", "qemu+tls://c/system"]
        #expect(try Self.configuration().connect == ["qemu:///system"])
        #expect(try Self.configuration(flags: uris.flatMap { ["--connect", $0] }).connect == uris)
        #expect(try Self.configuration(environment: ["VIRT_METADATA_CONNECT": uris.joined(separator: ", ")]).connect == uris)
        #expect(try Self.configuration(yaml: "connect:\n" + uris.map { "- \($0)\n" }.joined()).connect == uris)
        #expect(try Self.configuration(yaml: "connect: qemu+tcp://d/system", flags: ["--connect", uris[0]]).connect == [uris[0]])
    }

    @Test func `a repeated hypervisor is an error, and so is an empty list`() {
        Self.expect("--connect: names 'qemu:///system' twice") {
            try Self.load(flags: ["--connect", "qemu:///system", "--connect", "qemu:///system"])
        }
        Self.expect("environment variable VIRT_METADATA_CONNECT: names 'a:///' twice") {
            try Self.load(environment: ["VIRT_METADATA_CONNECT": "a:///,b:///,a:///"])
        }
        Self.expect("config.yaml, line 1: connect: names no hypervisor; write one such as qemu:///system") {
            try Self.load(yaml: "connect: []")
        }
    }

    @Test func `bridges are served unless a listen address is given instead`() throws {
        #expect(try Self.configuration().followsBridges())
        #expect(try !Self.configuration(flags: ["--listen", "127.0.0.1:80"]).followsBridges())
        for flags in [["--bridge", "br0"], ["--networks", "default"], ["--intercept", "address"]] {
            #expect(try Self.configuration(flags: flags + ["--listen", "127.0.0.1:80"]).followsBridges())
        }
        #expect(try !Self.configuration(flags: ["--intercept", "none", "--listen", "127.0.0.1:80"]).followsBridges())
    }

    @Test func `where there is nothing to serve the error names what is missing`() throws {
        let none = try Self.configuration(flags: ["--intercept", "none"])
        Self.expect("--intercept none: there is nothing to listen on; say where your redirected packets go by --listen") {
            try none.followsBridges()
        }
        let test = try Self.configuration(flags: ["--connect", "test:///default"])
        Self.expect(
            "--connect test:///default: the guests of libvirt's test driver are plugged into no bridge; say where to listen by --listen"
        ) { try test.followsBridges() }
        #expect(try Self.configuration(flags: ["--connect", "test:///default", "--bridge", "br0"]).followsBridges())
    }

    @Test func `the file may be named by a variable, and the flag names another`() throws {
        let (file, other) = (try Self.file("threads: 2"), try Self.file("threads: 3"))
        defer { for path in [file, other] { try? FileManager.default.removeItem(atPath: path) } }
        let environment = ["VIRT_METADATA_CONFIG": file]
        #expect(try Configuration.load(file: nil, environment: environment, flags: []).threads == 2)
        #expect(try Configuration.load(file: other, environment: environment, flags: []).threads == 3)
    }

    @Test(arguments: ["yes", "true", "ON", "1"], ["no", "False", "off", "0"])
    func `yes and no have their usual synonyms`(yes: String, no: String) throws {
        #expect(try Self.configuration(yaml: "edited: \(yes)").edited)
        #expect(try !Self.configuration(environment: ["VIRT_METADATA_EDITED": no]).edited)
        #expect(try !Self.configuration(yaml: "edited: \(yes)", flags: ["--no-edited"]).edited)
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("10", .seconds(10)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)),
    ])
    func `a time has a unit, or counts seconds`(text: String, expected: Duration) throws {
        #expect(try Self.configuration(yaml: "sweep-interval: \(text)").sweepInterval == expected)
    }

    // MARK: Errors and their locations

    @Test(arguments: [
        ("threads: 2\nidle-timout: 3s", ", line 2: there is no setting 'idle-timout'; is 'idle-timeout' meant?"),
        ("threads: 2\nxyzzy: 3s", ", line 2: there is no setting 'xyzzy'"),
        ("threads: 1\n\nidle-timeout: soon", ", line 3: idle-timeout: 'soon' is no time; write 250ms, 10s, 5m or 2h"),
        ("idle-timeout: 0s", ", line 1: idle-timeout: '0s' is no time; write 250ms, 10s, 5m or 2h"),
        ("idle-timeout: -1s", ", line 1: idle-timeout: '-1s' is no time; write 250ms, 10s, 5m or 2h"),
        ("idle-timeout: 3000d", ", line 1: idle-timeout: '3000d' is no time; write 250ms, 10s, 5m or 2h"),
        ("idle-timeout: 2000000000h", ", line 1: idle-timeout: '2000000000h' is longer than a year"),
        ("threads: 0", ", line 1: threads: '0' is no number from 1 to 64"),
        ("threads: 1.5", ", line 1: threads: '1.5' is no number from 1 to 64"),
        ("edited: perhaps", ", line 1: edited: 'perhaps' is neither 'yes' nor 'no'"),
        ("log-level: loud", ", line 1: log-level: 'loud' is none of trace, debug, info, notice, warning, error, critical"),
        ("connect: qemu", ", line 1: connect: 'qemu' is no URI; write one such as qemu:///system"),
        (
            "listen: localhost:80",
            ", line 1: listen: 'localhost:80' is no address with a port; write 127.0.0.1:8775 or [::1]:8775"
        ),
        ("listen: ::1:80", ", line 1: listen: '::1:80' is no address with a port; write 127.0.0.1:8775 or [::1]:8775"),
        ("listen: 127.0.0.1", ", line 1: listen: '127.0.0.1' is no address with a port; write 127.0.0.1:8775 or [::1]:8775"),
        (
            "listen: 127.0.0.1:65536",
            ", line 1: listen: '127.0.0.1:65536' is no address with a port; write 127.0.0.1:8775 or [::1]:8775"
        ),
        ("listen: 127.0.0.1:80,", ", line 1: listen: has no value"),
        ("listen: [127.0.0.1:80, ]\nthreads: [1]", ", line 2: threads: takes one value"),
        ("listen:\n- 127.0.0.1:80\n-", ", line 2: listen: has no value"),
        ("listen: [[127.0.0.1:80]]", ", line 1: listen: takes a value or a list of values"),
        (
            "trust-forwarded-for: 10.0.0.0/33",
            ", line 1: trust-forwarded-for: '10.0.0.0/33' is no range of addresses; write 127.0.0.1/32 or fd00::/8"
        ),
        ("vendordata-timeout: 61", ", line 1: vendordata-timeout: '61' is longer than a minute"),
        (
            "vendordata-target: static@http://127.0.0.1/",
            ", line 1: vendordata-target: the domains' own <vendordata> has the name 'static'; give this one another"
        ),
        (
            "vendordata-target: [a@http://127.0.0.1/, a@http://127.0.0.2/]",
            ", line 1: vendordata-target: another target has the name 'a'; give this one another"
        ),
        (
            "vendordata-target: http://127.0.0.1/",
            ", line 1: vendordata-target: 'http://127.0.0.1/' is no target; write NAME@http://HOST:PORT/PATH, without a user "
                + "or a password"
        ),
        ("threads: {a: b}", ", line 1: threads: takes one value"),
        ("threads: 1\nedited: yes\nthreads: 2", ", line 3: is no YAML: duplicate key 'threads', first in line 1"),
        ("- threads", ", line 1: a configuration is a mapping of settings to values"),
        ("threads", ", line 1: a configuration is a mapping of settings to values"),
        ("? [a]\n: b", ", line 1: there is no setting ''"),
        ("threads: 1\na: b: c", ", line 2: is no YAML: mapping values are not allowed in this context"),
        ("threads: 1\n\tedited: yes", ", line 2: is no YAML: found a tab character that violates indentation"),
        ("idle-timeout: \"a\\nb\"", ", line 1: idle-timeout: 'a\\nb' is no time; write 250ms, 10s, 5m or 2h"),
        ("threads: 1\nedited: \u{1}\n", ", line 2: is no YAML: control characters are not allowed"),
        ("threads: 1\n---\nthreads: 2", ", line 2: is no YAML: there is more than one document"),
    ])
    func `an error in a file is reported with its line and key`(yaml: String, problem: String) {
        Self.expect("config.yaml\(problem)") { try Self.load(yaml: yaml) }
    }

    @Test(arguments: ["", "\n", "# nothing\n", "---\n", "{}"])
    func `a file may be empty`(yaml: String) throws {
        #expect(try Self.load(yaml: yaml) == Self.load())
    }

    @Test func `an error in the environment is reported with its variable`() {
        Self.expect("environment variable VIRT_METADATA_LISEN: there is no such setting; is 'VIRT_METADATA_LISTEN' meant?") {
            try Self.load(environment: ["VIRT_METADATA_LISEN": "127.0.0.1:80"])
        }
        Self.expect("environment variable VIRT_METADATA_THREADS: 'many' is no number from 1 to 64") {
            try Self.load(environment: ["VIRT_METADATA_THREADS": "many"])
        }
        Self.expect("environment variable VIRT_METADATA_CONFIG: has no value") {
            try Configuration.load(file: nil, environment: ["VIRT_METADATA_CONFIG": ""], flags: [])
        }
    }

    @Test func `an error in a flag is reported with it`() {
        Self.expect("--threads: '65' is no number from 1 to 64") { try Self.load(flags: ["--threads", "65"]) }
        Self.expect("--listen: has no value") { try Self.load(flags: ["--listen", "127.0.0.1:80", "--listen", ","]) }
    }

    @Test func `unusable limits and names are reported with what is expected`() {
        Self.expect("--cpu-per-second: '65s' is longer than all threads have") {
            try Self.load(flags: ["--cpu-per-second", "65s"])
        }
        for name in ["a b", "[::1]", "host:80", "a/b", String(repeating: "a", count: 254)] {
            Self.expect("--host-name: '\(name)' is not a host name; write one such as metadata.example") {
                try Self.load(flags: ["--host-name", name])
            }
        }
    }

    @Test
    func `by default there is one thread for each usable processor, and browsers may use EC2's host names`()
        throws
    {
        let bare = try Self.configuration()
        #expect(bare.threads == min(64, Processors.usable))
        #expect(bare.hostNames == ["instance-data", "instance-data.ec2.internal"])
        #expect(bare.limits.rates.cpuPerSecond == .milliseconds(200))
        #expect(try Self.configuration(flags: ["--host-name", "a.example"]).hostNames == ["a.example"])
        #expect(try Self.configuration(yaml: "cpu-per-second: 1s").limits.rates.cpuPerSecond == .seconds(1))
    }

    @Test func `descriptors include the reserve of ports, where bridges are served`() throws {
        let bridges = try Wiring.mostFiles(try Self.configuration(flags: ["--connections", "1000"]))
        let listen = try Wiring.mostFiles(try Self.configuration(flags: ["--connections", "1000", "--listen", "127.0.0.1:80"]))
        // And the listening sockets of guests' ports.
        #expect(bridges - listen == 500 + 1024)
    }

    @Test func `the unit allows as many files as the defaults need, and bounds memory`() throws {
        let unit = URL(filePath: Program.fixtures).appending(path: "../packaging/virt-metadata.service").standardized
        let text = try String(contentsOf: unit, encoding: .utf8)
        let files = text.firstMatch(of: /\nLimitNOFILE=(\d+)\n/).flatMap { Int($0.1) }
        #expect(try files ?? 0 >= Wiring.mostFiles(Self.configuration()))
        #expect(text.contains("\nMemoryMax=2G\n"))
    }

    @Test(arguments: [
        "", "@http://h/", "a", "a@", "a@h", "a@http://", "a@http:///x", "a@ftp://h/", "a@http://user@h/", "a@http://u:p@h/",
        "a@http://h/#part", "a@http://h h/",
    ])
    func `an invalid vendor data target is refused`(text: String) {
        #expect(VendorDataTarget(text) == nil)
    }

    @Test func `a vendor data target has the name before the first at sign`() throws {
        let target = try #require(VendorDataTarget("roles@https://[::1]:8443/a@b?c=d"))
        #expect(target.name == "roles")
        #expect(target.url == "https://[::1]:8443/a@b?c=d")
    }

    @Test func `an unreadable file is reported`() throws {
        for path in ["/nonexistent.yaml", "/tmp"] {
            Self.expect("\(path): cannot be read; is it there, and may this user read it?") {
                try Configuration.load(file: path, environment: [:], flags: [])
            }
        }
        let path = try Self.file("")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data([0x74, 0xFF]).write(to: URL(filePath: path))
        Self.expect("config.yaml: is not UTF-8") { try Configuration.load(file: path, environment: [:], flags: []) }
    }

    // MARK: Loading

    /// The loaded configuration as text, because there is no other way to compare all of it.
    // MARK: Defaults

    @Test func `defaults as paths and as mappings are the same`() throws {
        let nested = """
            defaults:
              project-id: p
              placement: {region: eu, availability-zone: eu-1}
              public-keys: {admin: ssh-rsa AAAA}
              tags:
                env: test
              security-groups: [a, b]
              domain: example.org
              networks:
                lab:
                  placement/region: us
            """
        let flat = """
            defaults:
              project-id: p
              placement/region: eu
              placement/availability-zone: eu-1
              public-keys/public-key[admin]/key: ssh-rsa AAAA
              tags/tag[env]: test
              security-groups/group: [a, b]
              domain: example.org
              networks: {lab: {placement: {region: us}}}
            """
        let configuration = try Self.configuration(yaml: nested)
        #expect(try configuration.defaults == Self.configuration(yaml: flat).defaults)
        #expect(try configuration.defaults != Self.configuration(yaml: "").defaults)
        #expect(try configuration.defaults != Self.configuration(yaml: flat.replacing("us}", with: "eu}")).defaults)
    }

    @Test(arguments: [
        ("defaults: 3", "line 1: defaults: takes a mapping of words to values"),
        (
            "defaults:\n  projct-id: x",
            "line 2: defaults: projct-id: <instance> has no 'projct-id' below it; is 'project-id' meant?"
        ),
        ("defaults:\n  placement:\n    zone: x", "line 3: defaults: placement/zone: <placement> has no 'zone' below it"),
        ("defaults:\n  project-id: x\n  hostname: a", "line 3: defaults: hostname: <hostname> is one instance's own"),
        ("defaults:\n  imds@tokens: maybe", "line 2: defaults: imds@tokens: tokens: 'maybe' is neither"),
        ("defaults:\n  project-id:", "line 2: defaults: project-id: takes one value, and not none"),
        (
            "defaults:\n  networks:\n    lab:\n      networks: {}",
            "line 4: defaults: networks: lab: networks: has nothing below it"
        ),
        ("defaults:\n  domain: 'a b'", "defaults: domain: 'a b' is no domain of host names"),
        ("defualts: {}", "line 1: there is no setting 'defualts'; is 'defaults' meant?"),
    ]) func `an unusable default is reported with its line`(yaml: String, sentence: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.configuration(yaml: yaml) }
        #expect(error.map { "\($0)" }?.contains(sentence) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test(arguments: ["0.0.0.0:9169", "[::]:9169", "192.168.122.1:9169", "169.254.169.254:80"])
    func `metrics are served on loopback only`(address: String) {
        Self.expect(
            "--admin-listen: '\(address)' is not on loopback: guests and others could reach it; write one such as 127.0.0.1:9169"
        ) {
            try Self.load(flags: ["--admin-listen", address])
        }
    }

    // MARK: Differences

    @Test func `the differences of two configurations are named`() throws {
        let old = try Self.configuration(yaml: "threads: 2\nlog-level: info\nlisten: 127.0.0.1:80")
        let new = try Self.configuration(yaml: "log-level: debug\nlisten: 127.0.0.1:80\nuser: nobody")
        #expect(new.differences(from: old) == ["log-level", "threads", "user"])
        #expect(new.differences(from: new).isEmpty)
    }

    private static let help = Serve.helpMessage(columns: 1000)

    private static func load(yaml: String = "", environment: [String: String] = [:], flags: [String] = []) throws -> String {
        var text = ""
        dump(try configuration(yaml: yaml, environment: environment, flags: flags), to: &text)
        return text
    }

    private static func configuration(
        yaml: String = "", environment: [String: String] = [:], flags: [String] = []
    ) throws -> Configuration {
        let path = try file(yaml)
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Parsing takes the parser a third of a second even without flags.
        let values = flags.isEmpty ? [] : try SettingsOptions.parse(flags).values
        return try Configuration.load(file: path, environment: environment, flags: values)
    }

    private static func file(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)-config.yaml")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    /// Expects an error with this text, whatever folder the file is in.
    private static func expect<Value>(
        _ sentence: String, sourceLocation: SourceLocation = #_sourceLocation, of load: () throws -> Value
    ) {
        do {
            _ = try load()
            Issue.record("no error", sourceLocation: sourceLocation)
        } catch {
            #expect("\(error)".hasSuffix(sentence) && error is ConfigurationError, "\(error)", sourceLocation: sourceLocation)
        }
    }
}

extension Setting: CustomTestStringConvertible {
    /// The setting's name.
    public var testDescription: String { name }
}
