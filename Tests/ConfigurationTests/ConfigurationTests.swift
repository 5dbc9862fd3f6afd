import Foundation
import Guests
import TestSupport
import Testing
import VendorData

@testable import Commands
@testable import Configuration
@testable import Host
@testable import Server

/// Flags, environment and file, their values and their errors.
struct ConfigurationTests {
    // MARK: The three sources

    @Test func `the flag wins over the variable, the variable over the file, the file over the default`() throws {
        let file = "threads: 2\nrequest-timeout: 2s\nidle-timeout: 2s\nhold-timeout: 2s"
        let environment = ["VIRT_METADATA_REQUEST_TIMEOUT": "3s", "VIRT_METADATA_IDLE_TIMEOUT": "3s", "PATH": "/bin"]
        let loaded = try Loading.configuration(yaml: file, environment: environment, flags: ["--idle-timeout", "4s"])
        #expect(loaded.threads == 2)
        #expect(loaded.limits.holdTimeout == .seconds(2))
        #expect(loaded.limits.requestTimeout == .seconds(3))
        #expect(loaded.limits.idleTimeout == .seconds(4))
        #expect(loaded.limits.connections == 8192)
    }

    @Test func `a list is a sequence, comma-separated, or a repeated flag`() throws {
        let expected = try Loading.text(flags: ["--listen", "127.0.0.1:80", "--listen", "[::1]:80"])
        #expect(try Loading.text(yaml: "listen:\n- 127.0.0.1:80\n- '[::1]:80'") == expected)
        #expect(try Loading.text(yaml: "listen: ['127.0.0.1:80', '[::1]:80']") == expected)
        #expect(try Loading.text(yaml: "listen: 127.0.0.1:80, [::1]:80") == expected)
        #expect(try Loading.text(flags: ["--listen", "127.0.0.1:80,[::1]:80"]) == expected)
        #expect(try Loading.text(environment: ["VIRT_METADATA_LISTEN": " 127.0.0.1:80 ,[::1]:80"]) == expected)
        #expect(try Loading.text(yaml: "trust-forwarded-for: []") == Loading.text(), "nobody, as by default")
    }

    @Test func `a list of a stronger source replaces a weaker one's`() throws {
        let loaded = try Loading.configuration(yaml: "listen: 127.0.0.1:80", flags: ["--listen", "127.0.0.1:81"])
        #expect(loaded.listen.map(\.inBrackets) == ["127.0.0.1:81"])
    }

    @Test func `hypervisors are a sequence, comma-separated, or a repeated flag`() throws {
        let uris = ["qemu:///system", "qemu+ssh://b/system", "qemu+tls://c/system"]
        #expect(try Loading.configuration().connect == ["qemu:///system"])
        #expect(try Loading.configuration(flags: uris.flatMap { ["--connect", $0] }).connect == uris)
        #expect(try Loading.configuration(environment: ["VIRT_METADATA_CONNECT": uris.joined(separator: ", ")]).connect == uris)
        #expect(try Loading.configuration(yaml: "connect:\n" + uris.map { "- \($0)\n" }.joined()).connect == uris)
        let replaced = try Loading.configuration(yaml: "connect: qemu+tcp://d/system", flags: ["-c", uris[0]])
        #expect(replaced.connect == [uris[0]])
    }

    @Test func `a repeated hypervisor is an error, and so is an empty list`() {
        Loading.expect("--connect: 'qemu:///system' is given twice") {
            try Loading.text(flags: ["--connect", "qemu:///system", "--connect", "qemu:///system"])
        }
        Loading.expect("VIRT_METADATA_CONNECT: 'a:///' is given twice") {
            try Loading.text(environment: ["VIRT_METADATA_CONNECT": "a:///,b:///,a:///"])
        }
        Loading.expect("config.yaml:1: connect: expected at least one libvirt URI, such as qemu:///system") {
            try Loading.text(yaml: "connect: []")
        }
    }

    @Test func `bridges are served unless a listen address is given instead`() throws {
        #expect(try Loading.configuration().followsBridges())
        #expect(try !Loading.configuration(flags: ["--listen", "127.0.0.1:80"]).followsBridges())
        for flags in [["--bridge", "br0"], ["--network", "default"], ["--intercept", "address"]] {
            #expect(try Loading.configuration(flags: flags + ["--listen", "127.0.0.1:80"]).followsBridges())
        }
        #expect(try !Loading.configuration(flags: ["--intercept", "none", "--listen", "127.0.0.1:80"]).followsBridges())
    }

    @Test func `where there is nothing to serve the error names what is missing`() throws {
        let none = try Loading.configuration(flags: ["--intercept", "none"])
        Loading.expect("--intercept none: no listen address: set --listen ADDRESS:PORT to where you redirect the packets") {
            try none.followsBridges()
        }
        let test = try Loading.configuration(flags: ["--connect", "test:///default"])
        Loading.expect(
            "--connect test:///default: the guests of libvirt's test driver have no bridge: set --listen ADDRESS:PORT"
        ) { try test.followsBridges() }
        #expect(try Loading.configuration(flags: ["--connect", "test:///default", "--bridge", "br0"]).followsBridges())
    }

    @Test func `the file may be named by a variable, and the flag names another`() throws {
        let (file, other) = (try Loading.file("threads: 2"), try Loading.file("threads: 3"))
        defer { for path in [file, other] { try? FileManager.default.removeItem(atPath: path) } }
        for variable in ["VIRT_METADATA_CONFIG_FILE", "VIRT_METADATA_CONFIG"] {
            #expect(try Configuration.load(file: nil, environment: [variable: file], flags: []).threads == 2)
            #expect(try Configuration.load(file: other, environment: [variable: file], flags: []).threads == 3)
        }
    }

    @Test(arguments: ["yes", "true", "ON", "1"], ["no", "False", "off", "0"])
    func `yes and no have their usual synonyms`(yes: String, no: String) throws {
        #expect(try Loading.configuration(yaml: "use-persistent-metadata: \(yes)").edited)
        #expect(try !Loading.configuration(environment: ["VIRT_METADATA_USE_PERSISTENT_METADATA": no]).edited)
        let off = ["--no-use-persistent-metadata"]
        #expect(try !Loading.configuration(yaml: "use-persistent-metadata: \(yes)", flags: off).edited)
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("10s", .seconds(10)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
        ("1d", .seconds(86_400)), ("90s", .seconds(90)), ("1500ms", .milliseconds(1500)),
    ])
    func `a duration has a unit`(text: String, expected: Duration) throws {
        let configuration = try Loading.configuration(yaml: "resync-interval: \(text)")
        #expect(configuration.sweepInterval == expected)
        #expect(configuration.values(of: .named("resync-interval")) == [text])
    }

    // MARK: Errors and their locations

    private static let duration = "expected a duration such as 250ms, 10s, 5m, 2h or 1d"
    private static let address = "expected ADDRESS:PORT such as 127.0.0.1:8775 or [::1]:8775"

    @Test(arguments: [
        ("threads: 2\nidle-timout: 3s", ":2: unknown setting 'idle-timout'; did you mean 'idle-timeout'?"),
        ("threads: 2\nxyzzy: 3s", ":2: unknown setting 'xyzzy'"),
        ("threads: 1\n\nidle-timeout: soon", ":3: invalid value 'soon' for idle-timeout: \(duration)"),
        ("idle-timeout: 0s", ":1: invalid value '0s' for idle-timeout: \(duration)"),
        ("idle-timeout: -1s", ":1: invalid value '-1s' for idle-timeout: \(duration)"),
        ("idle-timeout: 3w", ":1: invalid value '3w' for idle-timeout: \(duration)"),
        (
            "idle-timeout: 10",
            ":1: invalid value '10' for idle-timeout: expected a unit after the number (ms, s, m, h or d), such as 10s"
        ),
        ("idle-timeout: 3000d", ":1: invalid value '3000d' for idle-timeout: expected at most 366d"),
        ("idle-timeout: 2000000000h", ":1: invalid value '2000000000h' for idle-timeout: expected at most 366d"),
        ("threads: 0", ":1: invalid value '0' for threads: expected an integer from 1 to 64"),
        ("threads: 1.5", ":1: invalid value '1.5' for threads: expected an integer from 1 to 64"),
        ("guard: perhaps", ":1: invalid value 'perhaps' for guard: expected true or false"),
        (
            "log-level: loud",
            ":1: invalid value 'loud' for log-level: expected trace, debug, info, notice, warning, error or critical"
        ),
        ("tokens: some", ":1: invalid value 'some' for tokens: expected optional or required"),
        ("connect: qemu", ":1: invalid value 'qemu' for connect: expected a libvirt URI such as qemu:///system"),
        ("listen: localhost:80", ":1: invalid value 'localhost:80' for listen: \(address)"),
        ("listen: ::1:80", ":1: invalid value '::1:80' for listen: \(address)"),
        ("listen: 127.0.0.1", ":1: invalid value '127.0.0.1' for listen: \(address)"),
        ("listen: 127.0.0.1:65536", ":1: invalid value '127.0.0.1:65536' for listen: \(address)"),
        ("listen: 127.0.0.1:80,", ":1: missing value for listen"),
        ("listen: [127.0.0.1:80]\nthreads: [1]", ":2: threads: expected one value"),
        ("listen:\n- 127.0.0.1:80\n-", ":2: missing value for listen"),
        ("listen: [[127.0.0.1:80]]", ":1: listen: expected a value or a list of values"),
        (
            "trust-forwarded-for: 10.0.0.0/33",
            ":1: invalid value '10.0.0.0/33' for trust-forwarded-for: "
                + "expected an address range in CIDR notation, such as 127.0.0.1/32 or fd00::/8"
        ),
        ("vendordata-timeout: 61s", ":1: invalid value '61s' for vendordata-timeout: expected at most 1m"),
        (
            "vendordata-target: static@http://127.0.0.1/",
            ":1: vendordata-target: the name 'static' is used by the domains' own <vendordata>: choose a different name"
        ),
        (
            "vendordata-target: [a@http://127.0.0.1/, a@http://127.0.0.2/]",
            ":1: vendordata-target: the name 'a' is used by another target: choose a different name"
        ),
        (
            "vendordata-target: \"a@http://127.0.0.1/\\r\\nHost: b\"",
            ":1: invalid value 'a@http://127.0.0.1/\\nHost: b' for vendordata-target: "
                + "expected NAME@http://HOST:PORT/PATH or https, without user or password"
        ),
        (
            "vendordata-target: \"a\\nb@http://127.0.0.1/\"",
            ":1: invalid value 'a\\nb@http://127.0.0.1/' for vendordata-target: "
                + "expected NAME@http://HOST:PORT/PATH or https, without user or password"
        ),
        (
            "vendordata-target: http://127.0.0.1/",
            ":1: invalid value 'http://127.0.0.1/' for vendordata-target: "
                + "expected NAME@http://HOST:PORT/PATH or https, without user or password"
        ),
        ("bridge: a/b", ":1: invalid value 'a/b' for bridge: expected a bridge name of 1 to 15 characters, such as virbr0"),
        ("threads: {a: b}", ":1: threads: expected one value"),
        ("threads: 1\nguard: yes\nthreads: 2", ":3: invalid YAML: duplicate key 'threads', first in line 1"),
        ("- threads", ":1: expected a mapping of settings to values, such as 'log-level: info'"),
        ("threads", ":1: expected a mapping of settings to values, such as 'log-level: info'"),
        ("? [a]\n: b", ":1: unknown setting ''"),
        ("threads: 1\na: b: c", ":2: invalid YAML: mapping values are not allowed in this context"),
        ("threads: 1\n\tguard: yes", ":2: invalid YAML: found a tab character that violates indentation"),
        ("idle-timeout: \"a\\nb\"", ":1: invalid value 'a\\nb' for idle-timeout: \(duration)"),
        ("threads: 1\nguard: \u{1}\n", ":2: invalid YAML: control characters are not allowed"),
        ("threads: 1\n---\nthreads: 2", ":2: invalid YAML: more than one document"),
    ])
    func `an error in a file is reported with its line and key`(yaml: String, problem: String) {
        Loading.expect("config.yaml\(problem)") { try Loading.text(yaml: yaml) }
    }

    @Test(arguments: ["", "\n", "# nothing\n", "---\n", "{}"])
    func `a file may be empty`(yaml: String) throws {
        #expect(try Loading.text(yaml: yaml) == Loading.text())
    }

    @Test func `an error in the environment is reported with its variable`() {
        Loading.expect("environment variable VIRT_METADATA_LISEN: unknown setting; did you mean 'VIRT_METADATA_LISTEN'?") {
            try Loading.text(environment: ["VIRT_METADATA_LISEN": "127.0.0.1:80"])
        }
        Loading.expect("invalid value 'many' for VIRT_METADATA_THREADS: expected an integer from 1 to 64") {
            try Loading.text(environment: ["VIRT_METADATA_THREADS": "many"])
        }
        Loading.expect("environment variable VIRT_METADATA_CONFIG: the name of the file is empty") {
            try Configuration.load(file: nil, environment: ["VIRT_METADATA_CONFIG": ""], flags: [])
        }
    }

    @Test func `the variable that emulate sets for its command is no setting`() throws {
        #expect(try Loading.text(environment: ["VIRT_METADATA_URL": "http://169.254.169.254"]) == Loading.text())
    }

    @Test func `an error in a flag is reported with it`() {
        Loading.expect("invalid value '65' for --threads: expected an integer from 1 to 64") {
            try Loading.text(flags: ["--threads", "65"])
        }
        Loading.expect("missing value for --listen") { try Loading.text(flags: ["--listen", "127.0.0.1:80", "--listen", ","]) }
    }

    @Test func `unusable limits and names are reported with what is expected`() {
        Loading.expect("invalid value '65s' for --max-cpu-per-second: expected at most 64s") {
            try Loading.text(flags: ["--max-cpu-per-second", "65s"])
        }
        for name in ["a b", "[::1]", "host:80", "a/b", String(repeating: "a", count: 254)] {
            Loading.expect("invalid value '\(name)' for --host-name: expected a host name such as metadata.example") {
                try Loading.text(flags: ["--host-name", name])
            }
        }
    }

    @Test
    func `by default there is one thread for each usable processor, and browsers may use EC2's host names`()
        throws
    {
        let bare = try Loading.configuration()
        #expect(bare.threads == min(64, Processors.usable))
        #expect(bare.hostNames == ["instance-data", "instance-data.ec2.internal"])
        #expect(bare.limits.rates.cpuPerSecond == .milliseconds(200))
        #expect(try Loading.configuration(flags: ["--host-name", "a.example"]).hostNames == ["a.example"])
        #expect(try Loading.configuration(yaml: "max-cpu-per-second: 1s").limits.rates.cpuPerSecond == .seconds(1))
    }

    @Test func `descriptors include the reserve of ports, where bridges are served`() throws {
        let bridges = try Wiring.mostFiles(try Loading.configuration(flags: ["--max-connections", "1000"]))
        let flags = ["--max-connections", "1000", "--listen", "127.0.0.1:80"]
        let listen = try Wiring.mostFiles(try Loading.configuration(flags: flags))
        // And the listening sockets of guests' ports.
        #expect(bridges - listen == 500 + 1024)
    }

    @Test func `the unit allows as many files as the defaults need, and bounds memory`() throws {
        let unit = URL(filePath: Program.fixtures).appending(path: "../packaging/virt-metadata.service").standardized
        let text = try String(contentsOf: unit, encoding: .utf8)
        let files = text.firstMatch(of: /\nLimitNOFILE=(\d+)\n/).flatMap { Int($0.1) }
        #expect(try files ?? 0 >= Wiring.mostFiles(Loading.configuration()))
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
        for (path, reason) in [("/nonexistent.yaml", "No such file or directory"), ("/tmp", "Is a directory")] {
            Loading.expect("\(path): cannot read the file: \(reason)") {
                try Configuration.load(file: path, environment: [:], flags: [])
            }
        }
        let path = try Loading.file("")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data([0x74, 0xFF]).write(to: URL(filePath: path))
        Loading.expect("config.yaml: not UTF-8 text") { try Configuration.load(file: path, environment: [:], flags: []) }
    }

    // MARK: Defaults

    @Test func `defaults as paths and as mappings are the same`() throws {
        let nested = """
            defaults:
              project-id: p
              placement: {region: eu, availability-zone: eu-1}
              public-keys: {admin: ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB}
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
              public-keys/public-key[admin]/key: ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB
              tags/tag[env]: test
              security-groups/group: [a, b]
              domain: example.org
              networks: {lab: {placement: {region: us}}}
            """
        let configuration = try Loading.configuration(yaml: nested)
        #expect(try configuration.defaults == Loading.configuration(yaml: flat).defaults)
        #expect(try configuration.defaults != Loading.configuration(yaml: "").defaults)
        #expect(try configuration.defaults != Loading.configuration(yaml: flat.replacing("us}", with: "eu}")).defaults)
    }

    @Test(arguments: [
        ("defaults: 3", ":1: defaults: expected a mapping of elements to values"),
        ("defaults:\n  projct-id: x", ":2: defaults: projct-id: "),
        ("defaults:\n  placement:\n    zone: x", ":3: defaults: placement/zone: "),
        (
            "defaults:\n  project-id: x\n  hostname: a",
            ":3: defaults: hostname: <hostname> is per-instance and cannot be a default"
        ),
        ("defaults:\n  imds@tokens: maybe", ":2: defaults: imds@tokens: "),
        ("defaults:\n  project-id:", ":2: defaults: project-id: expected one value"),
        ("defaults:\n  networks:\n    lab:\n      networks: {}", ":4: defaults: networks: lab: networks: missing value"),
        ("defaults:\n  project-id: x\n  domain: 'a b'", ":3: defaults: domain: 'a b' is not a valid DNS domain"),
        ("defualts: {}", ":1: unknown setting 'defualts'; did you mean 'defaults'?"),
    ]) func `an unusable default is reported with its line`(yaml: String, sentence: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Loading.configuration(yaml: yaml) }
        #expect(error.map { "\($0)" }?.contains(sentence) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test(arguments: ["0.0.0.0:9169", "[::]:9169", "192.168.122.1:9169", "169.254.169.254:80"])
    func `metrics are served on loopback only`(address: String) {
        Loading.expect(
            "invalid value '\(address)' for --admin-listen: "
                + "expected a loopback address, which guests cannot reach, such as 127.0.0.1:9169"
        ) {
            try Loading.text(flags: ["--admin-listen", address])
        }
    }

    // MARK: Differences

    @Test func `the differences of two configurations are named`() throws {
        let old = try Loading.configuration(yaml: "threads: 2\nlog-level: info\nlisten: 127.0.0.1:80")
        let new = try Loading.configuration(yaml: "log-level: debug\nlisten: 127.0.0.1:80\nuser: nobody")
        #expect(new.differences(from: old) == ["log-level", "threads", "user"])
        #expect(new.differences(from: new).isEmpty)
        // A value that is the default is no difference.
        #expect(try Loading.configuration(yaml: "guard: yes\nlisten: []").differences(from: Configuration()).isEmpty)
    }
}
