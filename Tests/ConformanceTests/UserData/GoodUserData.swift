import Foundation
import Testing

/// User data that guests read as it is meant; an examination that remarks on one of them raises a false alarm.
struct GoodUserData: Sendable, CustomTestStringConvertible {
    let name: String
    let content: [UInt8]
    /// Whether it is meant for cloud-init.
    let isForCloudInit: Bool

    private init(_ name: String, _ text: String, isForCloudInit: Bool = true) {
        (self.name, content, self.isForCloudInit) = (name, Array(text.utf8), isForCloudInit)
    }

    var testDescription: String { name }

    static let all = cloudConfigs + scripts + messages + templates + others

    private static let cloudConfigs: [GoodUserData] = [
        .init("one key", "#cloud-config\npackages: [htop]"),
        .init("blanks after the header", "#cloud-config  \npackages: [htop]\n"),
        .init("letters of another case", "#Cloud-Config\npackages: [htop]\n"),
        .init("a document start", "#cloud-config\n---\npackages:\n- htop\n...\n"),
        .init("comments", "#cloud-config\n# web servers\n\npackages: # tools\n  - htop # top\n"),
        .init("CR LF", "#cloud-config\r\npackages:\r\n  - htop\r\nruncmd:\r\n  - [true]\r\n"),
        .init("JSON", "#cloud-config\n{\"packages\": [\"htop\"], \"runcmd\": [[\"sh\", \"-c\", \"echo \\t\"]]}\n"),
        .init("no values but a mapping", "#cloud-config\n{}\n"),
        .init("other letters", "#cloud-config\nfinal_message: \"Grüße, 世界 🐧\"\n"),
        .init(
            "users and files",
            """
            #cloud-config
            users:
              - default
              - name: ops
                groups: [sudo]
                shell: /bin/bash
                sudo: "ALL=(ALL) NOPASSWD:ALL"
                ssh_authorized_keys:
                  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops
            write_files:
              - path: /etc/motd
                permissions: '0644'
                content: |
                  Welcome.
                  \tThis line begins with a tab: and has a colon
                  {{ not a template }}
              - path: /etc/cron.d/job
                content: "* * * * *\\troot\\ttrue\\n"
            runcmd:
              - [sh, -c, "docker ps --format '{{.Names}}'"]
              - echo "a: b"
            power_state: {mode: reboot, timeout: 30, condition: true}

            """),
        .init(
            "anchors and merge keys",
            """
            #cloud-config
            users:
              - &base {shell: /bin/bash, lock_passwd: true}
              - <<: *base
                name: a
              - <<: *base
                <<: {gecos: B}
                name: b

            """),
        .init("tabs in comments and quotation marks", "#cloud-config\n#\tindented\nruncmd: ['echo\ta', \"b\tc\"] #\tend\n"),
        .init(
            "tags of YAML",
            """
            #cloud-config\nwrite_files:\n- path: /x\n  content: !!binary aGVsbG8K\n- {path: /y, content: !!str 1}\n
            """),
        .init(
            "keys that only the newer schema lists",
            """
            #cloud-config\noutput: {all: '| tee -a /var/log/out'}\nmerge_how: 'list(append)+dict(recurse_array)+str(\
            )'\nsystem_info: {default_user: {name: me}}\n
            """
        ),
        .init("keys of coreos-cloudinit", "#cloud-config\ncoreos:\n  update:\n    reboot-strategy: off\nhostname: core\n"),
        .init("keys of VyOS", "#cloud-config\nvyos_config_commands:\n  - set system host-name r1\n"),
        .init(
            "an archive",
            """
            #cloud-config-archive\n- type: text/cloud-config\n  content: |\n    packages: [htop]\n- |\n  #!/bin/sh\n  tr\
            ue\n
            """),
        .init("a patch", "#cloud-config-jsonp\n[{\"op\": \"add\", \"path\": \"/packages\", \"value\": [\"htop\"]}]\n"),
    ]

    private static let scripts: [GoodUserData] = [
        .init("a shell script", "#!/bin/sh\necho hello\n"),
        .init("a script with options", "#! /bin/bash -eux\nset -o pipefail\n"),
        .init("a Python script", "#!/usr/bin/env python3\nprint('#cloud-config')\n"),
        .init(
            "a script with a here-document",
            """
            #!/bin/bash\ncat > /x <<'EOF'\n#cloud-config\n<?php echo 1; ?>\n\tkey:\tvalue\nEOF\n
            """),
        .init("a long script", "#!/bin/sh\n" + String(repeating: ": a comment of some length\n", count: 500)),
        .init("a boothook", "#cloud-boothook\n#!/bin/sh\ntrue\n"),
        .init("a part handler", "#part-handler\ndef list_types():\n    return ['text/x-mine']\n"),
        .init("PowerShell for cloudbase-init", "#ps1_sysnative\r\nWrite-Host hello\r\n", isForCloudInit: false),
        .init("PowerShell for EC2Launch", "<powershell>\nWrite-Host hello\n</powershell>\n", isForCloudInit: false),
        .init("a batch file", "rem cmd\r\necho hello\r\n", isForCloudInit: false),
    ]

    private static let messages: [GoodUserData] = [
        .init(
            "a message of two parts",
            """
            Content-Type: multipart/mixed; boundary="//"
            MIME-Version: 1.0

            --//
            Content-Type: text/cloud-config; charset="us-ascii"
            MIME-Version: 1.0
            Content-Transfer-Encoding: 7bit
            Content-Disposition: attachment; filename="cloud-config.txt"

            #cloud-config
            cloud_final_modules:
            - [scripts-user, always]

            --//
            Content-Type: text/x-shellscript; charset="us-ascii"
            MIME-Version: 1.0

            #!/bin/bash
            echo hello
            --//--

            """),
        .init(
            "a message with CR LF, folded fields and base64",
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=MIMEBOUNDARY\r\n\r\n--MIMEBOUNDARY\r\n"
                + "Content-Transfer-Encoding: base64\r\nContent-Type: text/cloud-config\r\n\r\n"
                + "I2Nsb3VkLWNvbmZpZwpwYWNrYWdlczogW2h0b3BdCg==\r\n\r\n--MIMEBOUNDARY--\r\n"),
        .init(
            "a message from a mailbox",
            """
            From nobody Fri Jan 11 07:00:00 2013\nContent-Type: multipart/mixed; boundary=\"===1==\"\nMIME-Version: \
            1.0\n\n--===1==\n
            """
                + "Content-Type: text/x-include-url\n\nhttps://example.com/part\n\n--===1==\n\n#!/bin/sh\ntrue\n--===1==--\n"),
        .init(
            "a message in a message",
            """
            Content-Type: multipart/mixed; boundary=a\nMIME-Version: 1.0\n\n--a\nContent-Type: multipart/mixed; boun\
            dary=b\n\n--b\n
            """
                + "Content-Type: text/cloud-config\n\npackages: [htop]\n--b--\n--a--\n"),
        .init("a message of one part", "Content-Type: text/x-shellscript\nMIME-Version: 1.0\n\n#!/bin/sh\ntrue\n"),
        .init("an include", "#include https://example.com/part\n"),
        .init("includes", "#include-once\n# ours\nhttps://example.com/a\n\n#include\nhttp://192.0.2.1/b\n"),
    ]

    private static let templates: [GoodUserData] = [
        .init(
            "a template",
            """
            ## template: jinja\n#cloud-config\nhostname: {{ ds.meta_data.name }}\n{% if v1.region %}\nfqdn: x\n{% endif \
            %}\n
            """),
        .init(
            "a template that begins with statements",
            """
            ## template: jinja\n{# ours #}\n{% set a = 'b' %}\n#cloud-config\nhostname: {{ a }}\n
            """),
        .init("a template of a script", "## template: jinja\n#!/bin/sh\necho {{ v1.instance_id }}\n"),
        .init("a template without variables", "## template: jinja\n#cloud-config\npackages: [htop]\n"),
    ]

    private static let others: [GoodUserData] = [
        .init(
            "Ignition 3",
            """
            {\"ignition\": {\"version\": \"3.4.0\"}, \"passwd\": {\"users\": [{\"name\": \"core\"}]}}
            """, isForCloudInit: false),
        .init("Ignition 2", "{\n  \"ignition\": { \"config\": {}, \"version\": \"2.3.0\" }\n}\n", isForCloudInit: false),
        .init("Ignition's next version", "{\"ignition\": {\"version\": \"3.6.0-experimental\"}}", isForCloudInit: false),
        .init("Talos", "version: v1alpha1\nmachine:\n  type: worker\ncluster: {}\n", isForCloudInit: false),
        .init("NixOS", "{ config, pkgs, ... }:\n{ services.openssh.enable = true; }\n", isForCloudInit: false),
        .init("Bottlerocket", "[settings.host-containers.admin]\nenabled = true\n", isForCloudInit: false),
    ]

    /// `#cloud-config`, compressed by gzip.
    static let gzip: [UInt8] =
        Data(base64Encoded: "H4sIAAAAAAACA1NOzskvTdFNzs9Ly0znKkhMzk5MTy22UojOKMkviOUCACnie60fAAAA").map { Array($0) } ?? []
}
