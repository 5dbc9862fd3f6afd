import Common
import JSON
import Probe
import Recording

/// The EC2 tree: values.
extension Rule {
    private static let metaData = "/latest/meta-data/"

    static let valueRules: [Rule] = [
        Rule(
            "instance-id", .ec2, .must, "instance-id is one line, the same at each read",
            breaks: "if the value changes, cloud-init assumes a new instance and runs all per-instance modules again",
            source: "cloud-init cloudinit/sources/__init__.py: get_instance_id"
        ) { exam throws(RuleEnd) in
            let text = try exam.text(of: metaData + "instance-id")
            try expect(!text.isEmpty && !text.contains("\n"), "instance-id: '\(shown(text))': expected one line")
            let again = try exam.fresh(metaData + "instance-id")
            try expect(again.text == text, "instance-id: '\(shown(text))', and then '\(shown(again.text ?? ""))'")
        },
        Rule(
            "instance-id-form", .ec2, .should, "instance-id begins with i-",
            breaks: "CirrOS repeats the request up to 20 times, every 2 s, until the value begins with i-",
            source: "cirros src/lib/cirros/ds/ec2"
        ) { exam throws(RuleEnd) in
            let text = try exam.text(of: metaData + "instance-id")
            try expect(text.hasPrefix("i-"), "instance-id: '\(shown(text))': expected i-…")
        },
        Rule(
            "public-keys", .ec2, .must, "public-keys has the form 0=name, 0/ lists openssh-key, and 0/openssh-key is a key",
            breaks: "cloud-init, cloudbase-init and Afterburn find no key: nobody can log in",
            source: "cloud-init cloudinit/sources/helpers/ec2.py: _parse; afterburn src/providers/aws/mod.rs: fetch_ssh_keys"
        ) { exam throws(RuleEnd) in
            guard try exam.lists("public-keys") else { throw .skipped("public-keys is not listed") }
            let lines = try exam.text(of: metaData + "public-keys").split(separator: "\n")
            try expect(!lines.isEmpty, "public-keys: empty")
            for line in lines {
                let parts = line.split(separator: "=", omittingEmptySubsequences: false)
                try expect(
                    parts.count == 2 && Int(parts[0]) != nil && !parts[1].isEmpty && !parts[1].contains("/"),
                    "public-keys: '\(shown(String(line)))': expected a line such as 0=name")
                let listing = try exam.text(of: "\(metaData)public-keys/\(parts[0])/")
                try expect(
                    listing.split(separator: "\n").contains("openssh-key"), "public-keys/\(parts[0])/: openssh-key is not listed")
                let key = try exam.text(of: "\(metaData)public-keys/\(parts[0])/openssh-key")
                try expect(key.split(separator: " ").count >= 2, "public-keys/\(parts[0])/openssh-key: expected a public key")
            }
        },
        Rule(
            "public-keys-by-line", .ec2, .must, "public-keys/0=name is answered with 200 or 404",
            breaks: "ansible's ec2_metadata_facts asks for each listed line, and fails at any other status",
            source: "amazon.aws plugins/modules/ec2_metadata_facts.py"
        ) { exam throws(RuleEnd) in
            guard try exam.lists("public-keys") else { throw .skipped("public-keys is not listed") }
            let line = try exam.text(of: metaData + "public-keys").split(separator: "\n").first.map(String.init) ?? ""
            let target =
                "\(metaData)public-keys/\(line.utf8.map { $0 == 0x3D ? "=" : Listing.quoted(String(UnicodeScalar($0))) }.joined())"
            let status = try exam.get(target).status
            try expect(status == 200 || status == 404, "\(shown(target)): status \(status): expected 200 or 404")
        },
        Rule(
            "public-keys-absent", .ec2, .must, "Without keys, public-keys is not listed and is answered with 404",
            breaks: "Afterburn reads 404 as no keys, and 200 with an empty body as an invalid list",
            source: "afterburn src/providers/aws/mod.rs: fetch_ssh_keys"
        ) { exam throws(RuleEnd) in
            guard try !exam.lists("public-keys") else { throw .skipped("the instance has keys") }
            let status = try exam.get(metaData + "public-keys").status
            try expect(status == 404, "public-keys: status \(status): expected 404")
        },
        Rule(
            "availability-zone", .ec2, .must, "placement/availability-zone, if present, is one line that is not empty",
            breaks: "botocore uses the zone without its last character as the region",
            source: "botocore/utils.py: InstanceMetadataRegionFetcher"
        ) { exam throws(RuleEnd) in
            guard let zone = try exam.optionalText(of: metaData + "placement/availability-zone") else {
                throw .skipped("the instance has no placement")
            }
            try expect(zone.count > 1 && !zone.contains("\n"), "placement/availability-zone: '\(shown(zone))': expected a name")
        },
        Rule(
            "region", .ec2, .should, "placement/region is present if placement/availability-zone is",
            breaks: "systemd-imdsd and newer SDKs ask for it", source: "systemd src/imds/imdsd.c; boto/botocore#3718"
        ) { exam throws(RuleEnd) in
            guard try exam.optionalText(of: metaData + "placement/availability-zone") != nil else {
                throw .skipped("the instance has no placement")
            }
            try expect(try exam.optionalText(of: metaData + "placement/region")?.isEmpty == false, "placement/region: absent")
        },
        Rule(
            "identity-document", .ec2, .should, "dynamic/instance-identity/document is present",
            breaks: "Ignition and Afterburn on AWS, and SDKs, read the region from it",
            source: "ignition internal/providers/aws/aws.go; aws-sdk-go-v2 feature/ec2/imds"
        ) { exam throws(RuleEnd) in
            let status = try exam.get("/latest/dynamic/instance-identity/document").status
            try expect(status == 200, "/latest/dynamic/instance-identity/document: status \(status): expected 200")
        },
        Rule(
            "identity-agrees", .ec2, .must, "The identity document, if present, is JSON and names the same instance and region",
            breaks: "cloud-init prefers the document's instanceId and region to those of the tree",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: get_instance_id"
        ) { exam throws(RuleEnd) in
            guard let document = try exam.json(of: "/latest/dynamic/instance-identity/document") else {
                throw .skipped("there is no identity document")
            }
            let identifier = try exam.text(of: metaData + "instance-id")
            try expect(
                document["instanceId"] == .string(identifier), "identity document: instanceId is not '\(shown(identifier))'")
            if let region = try exam.optionalText(of: metaData + "placement/region") {
                try expect(document["region"] == .string(region), "identity document: region is not '\(shown(region))'")
            }
        },
        Rule(
            "network-complete", .ec2, .must,
            "network/, if listed, has MAC addresses in lower case below interfaces/macs/, each with a device-number",
            breaks: "cloud-init fails without macs (KeyError); with a MAC address of no interface, the guest has no network",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: convert_ec2_metadata_network_config"
        ) { exam throws(RuleEnd) in
            guard try exam.lists("network") else { throw .skipped("network/ is not listed") }
            let lines = try exam.text(of: metaData + "network/interfaces/macs/").split(separator: "\n")
            try expect(!lines.isEmpty, "network/interfaces/macs/: empty")
            for line in lines {
                let name = line.hasSuffix("/") ? line.dropLast() : line
                try expect(
                    MACAddress(String(name)) != nil && name.lowercased() == name,
                    "network/interfaces/macs/: '\(shown(String(name)))': expected a MAC address in lower case")
                let number = try exam.text(of: "\(metaData)network/interfaces/macs/\(name)/device-number")
                try expect(Int(number) != nil, "macs/\(name)/device-number: '\(shown(number))': expected an integer")
            }
        },
        Rule(
            "network-vpc", .ec2, .should, "Each interface has a vpc-id",
            breaks: "without a vpc-id, cloud-init assumes EC2 Classic, and configures the network again at each boot",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: is_classic_instance"
        ) { exam throws(RuleEnd) in
            guard try exam.lists("network") else { throw .skipped("network/ is not listed") }
            for line in try exam.text(of: metaData + "network/interfaces/macs/").split(separator: "\n") {
                let name = line.hasSuffix("/") ? line.dropLast() : line
                let status = try exam.get("\(metaData)network/interfaces/macs/\(name)/vpc-id").status
                try expect(status == 200, "macs/\(name)/vpc-id: status \(status): expected 200")
            }
        },
        Rule(
            "mac", .ec2, .should, "mac is one of network/interfaces/macs/",
            breaks: "the AWS VPC CNI finds the primary interface by this value",
            source: "amazon-vpc-cni-k8s pkg/awsutils/imds.go"
        ) { exam throws(RuleEnd) in
            guard try exam.lists("network"), let mac = try exam.optionalText(of: metaData + "mac") else {
                throw .skipped("there is no mac or no network/")
            }
            let macs = try exam.text(of: metaData + "network/interfaces/macs/").split(separator: "\n")
            try expect(macs.contains { $0 == mac || $0 == mac + "/" }, "mac: '\(shown(mac))' is not one of macs/")
        },
        Rule(
            "local-ipv4", .ec2, .should, "local-ipv4 is an address, and one of an interface's local-ipv4s",
            breaks: "Afterburn and cloud controllers use it as the node's address",
            source: "afterburn src/providers/aws/mod.rs: attributes"
        ) { exam throws(RuleEnd) in
            guard let text = try exam.optionalText(of: metaData + "local-ipv4") else { throw .skipped("there is no local-ipv4") }
            try expect(IPAddress(text)?.family == .v4, "local-ipv4: '\(shown(text))': expected an IPv4 address")
            guard try exam.lists("network") else { return }
            var addresses: [Substring] = []
            for line in try exam.text(of: metaData + "network/interfaces/macs/").split(separator: "\n") {
                let name = line.hasSuffix("/") ? line.dropLast() : line
                addresses +=
                    try exam.optionalText(of: "\(metaData)network/interfaces/macs/\(name)/local-ipv4s")?.split(separator: "\n")
                    ?? []
            }
            try expect(addresses.contains { $0 == text }, "local-ipv4: no interface has '\(text)' in its local-ipv4s")
        },
        Rule(
            "user-data", .ec2, .must, "user-data is the same at each read, or 404; never 200 with an empty body",
            breaks: "Ignition and NixOS read an empty body as an invalid configuration",
            source: "ignition internal/providers/aws/aws.go; NixOS/nixpkgs#126127"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/latest/user-data")
            try expect([200, 404].contains(response.status), "user-data: status \(response.status): expected 200 or 404")
            let again = try exam.fresh("/latest/user-data")
            let isSame = again.status == response.status && (response.status == 404 || again.body == response.body)
            try expect(isSame, "user-data: the response to the second read differs")
            try expect(response.status == 404 || !response.body.isEmpty, "user-data: 200 with an empty body: expected 404")
        },
        Rule(
            "user-data-encoding", .ec2, .must, "user-data is not compressed, even if the client accepts compression",
            breaks: "curl and cloudbase-init do not decompress; Python's requests also decompresses gzip that the operator wrote",
            source: "cloud-init cloudinit/user_data.py: convert_string; LP#2120723"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/latest/user-data")
            guard response.status == 200 else { throw .skipped("the instance has no user data") }
            let accepting = try exam.fresh("/latest/user-data", [.init("Accept-Encoding", "gzip, deflate, br")])
            try expect(accepting.field("content-encoding") == nil, "user-data: Content-Encoding with Accept-Encoding")
            try expect(accepting.body == response.body, "user-data: the body with Accept-Encoding differs")
        },
        Rule(
            "credentials", .ec2, .must, "A listed role has Code, AccessKeyId, SecretAccessKey, Token and Expiration",
            breaks: "the SDK for Go fails if Code is not Success; botocore reads the other members, and Expiration as a date",
            source: "aws-sdk-go-v2 credentials/ec2rolecreds/provider.go; botocore/utils.py: InstanceMetadataFetcher"
        ) { exam throws(RuleEnd) in
            let listing = try exam.get(metaData + "iam/security-credentials/")
            guard listing.status == 200, let role = listing.text?.split(separator: "\n").first.map(String.init) else {
                throw .skipped("the instance has no role")
            }
            let target = "\(metaData)iam/security-credentials/\(Listing.quoted(role))"
            let document = try exam.object(of: target)
            for name in ["Code", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"] {
                guard case .string(let text)? = document[name], !text.isEmpty else {
                    throw .fails("\(shown(target)): \(name) is missing")
                }
                let isDate = text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil
                try expect(
                    name != "Expiration" || isDate, "\(shown(target)): Expiration '\(shown(text))': expected 2026-11-30T01:02:03Z"
                )
            }
        },
    ]
}
