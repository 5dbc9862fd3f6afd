import Testing

/// User data that its guest does not read as it is meant, and the remark on it.
struct BadUserData: Sendable, CustomTestStringConvertible {
    let name: String
    let content: [UInt8]
    /// The line of the text that the remark names; `nil` for none.
    let line: Int?
    /// A part of the remark.
    let remark: String
    /// Whether cloud-init logs a warning or stops, so that it agrees.
    let isRefused: Bool

    private init(_ name: String, _ text: String, _ remark: String, line: Int? = nil, isRefused: Bool = true) {
        self.init(name, bytes: Array(text.utf8), remark, line: line, isRefused: isRefused)
    }

    private init(_ name: String, bytes: [UInt8], _ remark: String, line: Int? = nil, isRefused: Bool = true) {
        (self.name, content, self.line, self.remark, self.isRefused) = (name, bytes, line, remark, isRefused)
    }

    var testDescription: String { name }

    static let all = encodings + headers + yaml + scripts + messages + others

    private static let encodings: [BadUserData] = [
        .init("a byte order mark", "\u{FEFF}#cloud-config\npackages: [htop]\n", "byte order mark", line: 1),
        .init(
            "UTF-16 with a mark", bytes: [0xFF, 0xFE] + "#cloud-config\n".utf8.flatMap { [$0, 0] }, "UTF-16 text", isRefused: true
        ),
        .init("UTF-16 without one", bytes: "#!/bin/sh\ntrue\n".utf8.flatMap { [0, $0] }, "UTF-16 text"),
        .init("Latin-1", bytes: Array("#cloud-config\n# Gr".utf8) + [0xFC, 0xDF], "neither UTF-8 nor gzip", line: 2),
        .init("base64 as text", "I2Nsb3VkLWNvbmZpZwpwYWNrYWdlczogW2h0b3BdCg==\n", "the text is base64"),
        .init("base64 in lines", "IyEvYmluL3NoCmVjaG8gaGVs\nbG8gd29ybGQKZWNobyBieWUK\n", "the text is base64"),
        .init("gzip as base64", "H4sIAAAAAAAC/1POyS9N0U3OzyvLTOcqSEzOTkxPLbZSiM4oyS+I5QIALDUYECEAAAA=", "gzip as base64"),
    ]

    private static let headers: [BadUserData] = [
        .init("a blank in the header", "# cloud-config\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init("an underscore", "#cloud_config\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init("a letter exchanged", "#clould-config\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init("no number sign", "cloud-config\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init("two number signs", "##cloud-config\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init("no hyphen", "#cloudconfig\npackages: [htop]\n", "expected '#cloud-config'", line: 1),
        .init(
            "words after it",
            """
            #cloud-config for web servers\npackages: [htop]\n
            """, "'#cloud-config' alone", line: 1, isRefused: false),
        .init("none", "users:\n- name: a\n", "looks like cloud-config (users:)", line: 1),
        .init("none, after a document start", "---\npackages: [htop]\n", "looks like cloud-config (packages:)", line: 1),
        .init("after a document start", "---\n#cloud-config\npackages: [htop]\n", "must be the first line", line: 2),
        .init("after a comment", "# made by a tool\n#cloud-config\npackages: [htop]\n", "must be the first line", line: 2),
        .init("a text", "hello\n", "begins with no header", line: 1),
        .init("a file's name", "@web.yaml", "'@web.yaml' is served as written", line: 1),
        .init(
            "indented", "\n      #cloud-config\n    users: []\n    ", "white space precedes the header", line: 2, isRefused: false
        ),
        .init("a file's path", "/root/web.yaml\n", "'/root/web.yaml' is served as written", line: 1),
        .init("Upstart", "#upstart-job\ndescription x\n", "no longer have", line: 1),
        .init("only white space", " \n\n", "only white space", isRefused: false),
        .init(
            "a template's header without a blank", "##template: jinja\n#cloud-config\na: b\n", "expected '## template: jinja'",
            line: 1),
        .init(
            "a template without a header", "## template: jinja\npackages: [htop]\n", "expected a header", line: 2,
            isRefused: false),
        .init(
            "another template",
            """
            ## template: jinja2\n#cloud-config\npackages: []\n
            """, "unknown template 'jinja2'", line: 1, isRefused: false),
        .init(
            "a template after a blank line", "\n## template: jinja\n#cloud-config\npackages: []\n", "does not render", line: 2,
            isRefused: false),
        .init(
            "variables without a template",
            """
            #cloud-config\nhostname: \"{{ ds.meta_data.name }}\"\n
            """, "a variable of cloud-init's",
            line: 2, isRefused: false),
    ]

    private static let yaml: [BadUserData] = [
        .init("a colon in a value", "#cloud-config\nruncmd:\n  - echo a: b: c\n", "invalid YAML", line: 3),
        .init("an open bracket", "#cloud-config\npackages: [htop\nruncmd: []\n", "invalid YAML", line: 3),
        .init("a tab that indents", "#cloud-config\nusers:\n\t- name: a\n", "the line has a tab", line: 3),
        .init("a tab that separates", "#cloud-config\nhostname:\tweb\n", "a tab separates", line: 2),
        .init("a tab inside of a plain text", "#cloud-config\nruncmd:\n  - echo\ta\n", "a tab separates", line: 3),
        .init("a tab at the end", "#cloud-config\nhostname: web\t\n", "a tab separates", line: 2),
        .init("tabs in JSON", "#cloud-config\n{\n\t\"packages\": []\n}\n", "a tab separates", line: 3),
        .init(
            "a no-break space", "#cloud-config\nusers:\n\u{A0}\u{A0}- name: a\n", "has a no-break space", line: 3,
            isRefused: false),
        .init("an open quotation mark", "#cloud-config\nhostname: 'web\nruncmd: []\n", "invalid YAML", line: 4),
        .init("uneven indentation", "#cloud-config\nusers:\n  - name: a\n   shell: /bin/sh\n", "invalid YAML", line: 4),
        .init("a foreign tag", "#cloud-config\nhostname: !Ref Name\n", "no YAML tag '!Ref'", line: 2),
        .init("a variable as a value", "#cloud-config\nhostname: {{ name }}\n", "as a key", line: 2),
        .init("an underscore too many", "#cloud-config\nrun_cmd: []\n", "did you mean 'runcmd'?", line: 2, isRefused: false),
        .init("two documents", "#cloud-config\npackages: []\n---\nruncmd: []\n", "more than one document", line: 3),
        .init("an alias of nothing", "#cloud-config\nhostname: *name\n", "unknown anchor", line: 2),
        .init("a list", "#cloud-config\n- packages\n", "expected a mapping", line: 2),
        .init("no colon", "#cloud-config\npackages [htop]\n", "expected a mapping", line: 2),
        .init("nothing", "#cloud-config\n", "has no keys"),
        .init(
            "a key twice",
            """
            #cloud-config\nruncmd: [a]\npackages: []\nruncmd: [b]\n
            """, "duplicate key 'runcmd', first in line 2", line: 4,
            isRefused: false),
        .init("a misspelt key", "#cloud-config\npacakges: [htop]\n", "did you mean 'packages'?", line: 2, isRefused: false),
        .init(
            "a hyphen for an underscore", "#cloud-config\nwrite-files: []\n", "did you mean 'write_files'?", line: 2,
            isRefused: false),
        .init("an unknown key", "#cloud-config\nzzz_unknown: 1\n", "unknown key 'zzz_unknown'", line: 2, isRefused: false),
        .init(
            "a key of the newer version", "#cloud-config\nubuntu_pro: {token: x}\n", "22.4.2, as in Debian 12", line: 2,
            isRefused: false),
        .init("a key of a later version", "#cloud-config\nrpi: {interfaces: {}}\n", "up to 25.1.4", line: 2, isRefused: false),
        .init("an archive of a mapping", "#cloud-config-archive\npackages: []\n", "expected a list of parts", line: 2),
        .init(
            "a bad part of an archive",
            """
            #cloud-config-archive\n- type: text/cloud-config\n  content: 'pacakges: []'\n
            """, "did you mean",
            line: 3, isRefused: false),
        .init("a patch of a mapping", "#cloud-config-jsonp\n{\"a\": 1}\n", "expected a JSON array", isRefused: false),
        .init("a patch that is no JSON", "#cloud-config-jsonp\n[{]\n", "invalid JSON", line: 2),
    ]

    private static let scripts: [BadUserData] = [
        .init("CR LF", "#!/bin/sh\r\necho hello\r\n", "end with CR LF", line: 1, isRefused: false),
        .init("mixed line ends", "#!/bin/sh\necho hello\r\n", "ends with CR LF", line: 2, isRefused: false),
        .init("white space before it", "  #!/bin/sh\necho hello\n", "does not run", line: 1, isRefused: false),
        .init("a line before it", "\n#!/bin/sh\necho hello\n", "does not run", line: 2, isRefused: false),
        .init("no interpreter", "#!\necho hello\n", "names no interpreter", line: 1, isRefused: false),
        .init("a relative interpreter", "#!bin/sh\necho hello\n", "absolute path", line: 1, isRefused: false),
        .init(
            "a script of cloud-config", "#!cloud-config\npackages: [htop]\n", "expected '#cloud-config'", line: 1,
            isRefused: false),
        .init("no exclamation mark", "#/bin/bash\necho hello\n", "expected '#!/bin/bash'", line: 1),
        .init("signs exchanged", "!#/bin/bash\necho hello\n", "expected '#!/bin/bash'", line: 1),
        .init(
            "two URLs on one line", "#include https://example.com/a https://example.com/b\n", "one URL on each line", line: 1,
            isRefused: false),
        .init("an indented include", "  #include https://example.com/a\n", "takes the line for a URL", line: 1, isRefused: false),
        .init("an include of nothing", "#include\n", "without a URL", isRefused: false),
        .init("an include of a name", "#include\npart.yaml\n", "'part.yaml' is not a URL", line: 2, isRefused: false),
    ]

    private static let messages: [BadUserData] = [
        .init(
            "a body alone",
            """
            --===1==\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--===1==--\n
            """, "without its header", line: 1),
        .init(
            "no version",
            """
            Content-Type: multipart/mixed; boundary=a\n\n--a\n\n#!/bin/sh\n--a--\n
            """, "without 'MIME-Version: 1.0'", line: 1),
        .init(
            "no boundary",
            """
            Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n--a\n\n#!/bin/sh\n--a--\n
            """, "without a boundary", line: 4,
            isRefused: false),
        .init(
            "another boundary", "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\n--a\n\n#!/bin/sh\n--a--\n",
            "no line '--b'", line: 4, isRefused: false),
        .init(
            "no end",
            """
            Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n--a\n\n#!/bin/sh\ntrue\n
            """, "does not end with",
            line: 8, isRefused: false),
        .init(
            "a bad part",
            """
            Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n--a\nContent-Type: text/cloud-config\n\n\
            users:\n\t- x\n--a--\n
            """,
            "invalid YAML", line: 8),
        .init(
            "an unknown type",
            """
            Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n--a\nContent-Type: text/x-shell-script\n\
            \n#!/bin/sh\n--a--\n
            """,
            "did you mean 'text/x-shellscript'?"),
        .init(
            "white space before the header",
            """
            \n Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n--a\n\n#!/bin/sh\n--a--\n
            """, "white space precedes",
            line: 2),
    ]

    private static let others: [BadUserData] = [
        .init("Ignition that is no JSON", "{\"ignition\": {\"version\": \"3.4.0\"},}\n", "invalid JSON", line: 1),
        .init("Ignition without a version", "{\"ignition\": {}}", "without \"ignition\""),
        .init("Ignition of an unknown version", "{\"ignition\": {\"version\": \"34\"}}", "unknown Ignition version '34'"),
        .init("Ignition 1", "{\"ignitionVersion\": 1}", "version 1"),
        .init("other JSON", "{\"role\": \"web\"}", "without an object 'ignition'"),
        .init("Butane", "variant: fcos\nversion: 1.5.0\n", "Butane", line: 1),
    ]
}
