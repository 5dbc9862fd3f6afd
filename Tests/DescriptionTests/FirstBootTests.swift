import Common
import Description
import Testing

/// What `check` says of names, keys and text before a guest boots.
@Suite struct FirstBootTests {
    private static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

    // MARK: Text

    @Test(arguments: ["<!-- banner -->", "<?php phpinfo(); ?>"])
    func `comments and instructions in a text are refused, and allowed in base64 and CDATA`(markup: String) throws {
        for (element, close) in [("userdata", "userdata"), ("vendordata", "vendordata"), ("additional", "additional")] {
            let found = try findings("<\(element)>#!/bin/sh\n\(markup)\n</\(close)>".replacing("\n", with: " "))
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix("\(element): contains a comment or a processing instruction") == true, "\(found)")
            #expect(found.first?.contains("use a CDATA section") == true)
        }
        #expect(
            try findings(
                """
                <files><file path='/x'>a\(markup)b</file></files>
                """
            ).first?.hasPrefix("files/file: contains a comment") == true)
        #expect(try assembled("<userdata>#!/bin/sh \(markup)</userdata>").instance.documents.userData == nil)
        let section = "<userdata><![CDATA[#!/bin/sh \(markup)]]></userdata>"
        #expect(try findings(section) == [])
        #expect(try assembled(section).instance.documents.userData == Array("#!/bin/sh \(markup)".utf8))
        #expect(try findings("<userdata encoding='base64'>IyEvYmluL3No\(markup)</userdata>") == [])
    }

    @Test func `values of one line have no elements`() throws {
        #expect(try findings("<hostname>a<b>c</b></hostname>") == ["hostname: contains elements: expected one line of text"])
        #expect(
            try findings("<public-keys><public-key name='a'><key>\(Self.key)<!-- mine --></key></public-key></public-keys>") == [
                "public-keys/public-key/key: contains elements or comments: expected the key alone",
                "public-keys/public-key: the public key 'a' has no usable <key>",
            ])
    }

    // MARK: Names

    @Test(arguments: ["kubernetes.io/cluster/prod", ".", "..", " a", "a ", "a/"])
    func `a tag that the EC2 tree cannot list is kept for the other documents`(name: String) throws {
        let assembled = try assembled("<tags><tag name='\(name)'>owned</tag><tag name='env'>test</tag></tags>")
        #expect(assembled.instance.documents.tags == [Tag(name, "owned"), Tag("env", "test")])
        #expect(assembled.instance.documents.tags.map(\.isListable) == [false, true])
        let problem = try #require(assembled.findings.first)
        #expect(assembled.findings.count == 1 && problem.weight == .note)
        #expect(problem.problem.hasPrefix("the EC2 tree does not show '\(name)'"))
    }

    @Test func `a space in a key's name is noted`() throws {
        let found = try findings("<public-keys><public-key name='my key'><key>\(Self.key)</key></public-key></public-keys>")
        #expect(
            found == [
                """
                public-keys/public-key: note: the name 'my key' has a space: shell scripts, such as Alpine's tiny-cl\
                oud, split it
                """
            ])
    }

    // MARK: Keys

    @Test(arguments: [
        "ssh-ed25519&#9;AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f&#9;me",
        "restrict&#9;\(key)",
        """
        webauthn-sk-ecdsa-sha2-nistp256@openssh.com AAAAK3dlYmF1dGhuLXNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20A\
        AAAIbmlzdHAyNTY= me
        """,
    ])
    func `keys with tabs, and those of security keys in browsers, are keys`(key: String) throws {
        let assembled = try assembled("<public-keys><public-key name='a'><key>\(key)</key></public-key></public-keys>")
        #expect(assembled.findings.map(\.description) == [])
        #expect(
            assembled.instance.access.publicKeys.first?.formats.first?.value == key.replacing("&#9;", with: "\t"))
    }

    // MARK: Host names

    private static let long = "ci-run-20261128-abcdef0123456789.feature-branch-with-a-long-name.build-0001.example"

    @Test func `a host name that Linux does not take whole is served and noted`() throws {
        #expect(Self.long.utf8.count == 83)
        let assembled = try assembled("<hostname>\(Self.long)</hostname>")
        #expect(assembled.instance.names.hostname == Self.long)
        #expect(assembled.findings.map(\.weight) == [.note])
        #expect(assembled.findings.first?.problem.hasPrefix("83 characters: Linux takes host names of at most 64") == true)
        let longest = String(repeating: "a", count: 60) + ".abc"
        #expect(try findings("<hostname>\(longest)</hostname>") == [])
    }

    private static let label = String(repeating: "a", count: 31)
    private static let derived: [(name: String, hostname: String)] = [
        (long, "ci-run-20261128-abcdef0123456789"), ("\(label)\(label)\(label)", "\(label)\(label)a"),
        ("\(label).\(label)", "\(label).\(label)"), ("\(label).\(label)a", "\(label)"), ("web.example.org", "web.example.org"),
    ]

    @Test(arguments: derived)
    func `a host name that is derived from the domain's name is one that Linux takes`(name: String, hostname: String) throws {
        let head = "<name>\(name)</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>"
        let assembled = try InstanceAssembly(readsBare: false).assemble(domain(head: head))
        #expect(assembled.instance.names.hostname == hostname)
        #expect(assembled.findings == [])
    }

    @Test func `a derived name that a default domain makes long is served and noted`() throws {
        let name = String(repeating: "a", count: 60)
        let head = "<name>\(name)</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid>"
        let defaults = InstanceDefaults(all: try .init(domain: "lab.example.org"))
        let assembled = try InstanceAssembly(defaults: defaults, readsBare: false).assemble(domain(head: head))
        #expect(assembled.instance.names.hostname == "\(name).lab.example.org")
        #expect(assembled.findings.map(\.element) == ["name"])
        #expect(assembled.findings.first?.problem.hasPrefix("76 characters") == true)
    }

    // MARK: Parts

    @Test func `vendor data is examined like user data`() throws {
        for data in [
            "#cloud-config\npacakges: []", ##""#cloud-config\npacakges: []""##,
            ##"{"cloud-init": "#cloud-config\npacakges: []"}"##,
            ##"{"cloud-init": ["#cloud-config\npacakges: []"]}"##,
        ] {
            let found = try findings("<vendordata>\(data.replacing("\n", with: "&#10;"))</vendordata>")
            #expect(found.count == 1 && found.first?.contains("did you mean 'packages'?") == true, "\(found)")
        }
        #expect(try findings(#"<vendordata>{"a": "pacakges: []"}</vendordata>"#) == [])
    }

    @Test(arguments: [
        ("#cloud-config&#10;a: [", true), ("#cloud-config&#10;a:&#10;&#9;- b", true), ("# cloud-config&#10;a: b", true),
        ("packages: [htop]", true), ("hello", true), ("IyEvYmluL3NoCmVjaG8gaGVsbG8gd29ybGQK", true),
        ("#cloud-config&#10;pacakges: []", false), ("#!bin/sh", false), ("{", false), ("{&quot;ignition&quot;: {}}", false),
        ("#ps1_sysnative&#10;a: [", false), ("&lt;powershell&gt;", false), ("#include", false),
    ])
    func `only user data that cloud-init uses in no way is a warning`(text: String, isWarning: Bool) throws {
        let findings = try assembled("<userdata>\(text)</userdata>").findings
        #expect(findings.allSatisfy { $0.weight == .note })
        let warnings = findings.filter(\.isWarning)
        #expect(warnings.count == (isWarning ? 1 : 0), "\(findings)")
        #expect(warnings.allSatisfy { $0.problem.hasPrefix("cloud-init ignores this user data: ") })
    }

    @Test func `each part of the user data is examined`() throws {
        let found = try findings("<userdata>#cloud-config&#10;pacakges: []</userdata><userdata>#!bin/sh</userdata>")
        #expect(found.count == 2 && found[0].contains("pacakges") && found[1].contains("absolute path"), "\(found)")
    }
}
