import Common
import FoundationEssentials
import JSON
import Probe

/// The OpenStack tree.
extension Rule {
    private static let latest = "/openstack/latest/"
    private static let helper = "cloud-init cloudinit/sources/helpers/openstack.py"
    /// The versions in cloud-init's code.
    private static let known = [
        "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
    ]

    static let openStackRules: [Rule] = [
        Rule(
            "openstack-versions", .openstack, .must, "/openstack lists versions line by line without slashes, latest among them",
            breaks: "cloud-init finds no service if the body is empty, and no version if a slash follows each version",
            source: helper
        ) { exam throws(RuleEnd) in
            let lines = try exam.text(of: "/openstack").split(separator: "\n").map(String.init)
            try expect(!lines.isEmpty, "/openstack: empty")
            try expect(lines.contains("latest"), "/openstack: latest is not listed")
            let bad = lines.filter { $0.hasSuffix("/") || $0.hasSuffix("\r") || $0.hasSuffix(" ") }
            try expect(bad.isEmpty, "/openstack: '\(shown(bad.first ?? ""))': expected only a version on the line")
        },
        Rule(
            "openstack-slash", .openstack, .must, "/openstack/ has the same response as /openstack",
            breaks: "clients ask for both forms, and curl follows no redirect", source: "nova nova/api/metadata/base.py: lookup"
        ) { exam throws(RuleEnd) in
            let (one, other) = (try exam.get("/openstack"), try exam.get("/openstack/"))
            try expect(one.status == 200 && other.status == 200, "/openstack/: status \(other.status): expected 200")
            try expect(one.body == other.body, "/openstack/: the body differs from that of /openstack")
        },
        Rule(
            "openstack-known-version", .openstack, .should, "A version that cloud-init knows is listed",
            breaks: "cloud-init falls back to latest, whose content may change", source: "\(helper): OS_VERSIONS"
        ) { exam throws(RuleEnd) in
            let lines = try exam.text(of: "/openstack").split(separator: "\n").map(String.init)
            try expect(lines.contains { known.contains($0) }, "/openstack: none of \(known.joined(separator: ", "))")
        },
        Rule(
            "openstack-old-versions", .openstack, .must, "meta_data.json is present in 2012-08-10 and 2013-04-04",
            breaks: "Afterburn and heat-cfntools ask for 2012-08-10, cloudbase-init for 2013-04-04",
            source: "afterburn src/providers/openstack/network.rs; cloudbaseinit/metadata/services/baseopenstackservice.py"
        ) { exam throws(RuleEnd) in
            for version in ["2012-08-10", "2013-04-04"] { _ = try exam.object(of: "/openstack/\(version)/meta_data.json") }
        },
        Rule(
            "openstack-version-unknown", .openstack, .must, "A version that does not exist is answered with 404",
            breaks: "cloudbase-init concludes from this status what the service can do",
            source: "cloudbaseinit/metadata/services/baseopenstackservice.py: can_post_password"
        ) { exam throws(RuleEnd) in
            let status = try exam.get("/openstack/9999-12-31/meta_data.json").status
            try expect(status == 404, "/openstack/9999-12-31/meta_data.json: status \(status): expected 404")
        },
        Rule(
            "openstack-listed-files", .openstack, .should, "Each file that a version lists is answered with 200",
            breaks: "tools that walk the tree fail", source: "nova nova/api/metadata/base.py: lookup"
        ) { exam throws(RuleEnd) in
            for version in ["2012-08-10", "latest"] {
                for line in Listing(try exam.get("/openstack/\(version)/"))?.lines ?? []
                where line != "content/" && line != "content" {
                    let status = try exam.get("/openstack/\(version)/\(Listing.quoted(line))").status
                    try expect(status == 200, "/openstack/\(version)/\(shown(line)): listed, but status \(status)")
                }
            }
        },
        Rule(
            "meta-data-uuid", .openstack, .must, "meta_data.json is an object with a uuid",
            breaks: "cloud-init raises BrokenMetadata and has no datasource; Kubernetes' OpenStack provider fails",
            source: "\(helper): BaseReader.read_v2; cloud-provider-openstack pkg/util/metadata/metadata.go"
        ) { exam throws(RuleEnd) in
            guard case .string(let text)? = try exam.object(of: latest + "meta_data.json")["uuid"], InstanceUUID(text) != nil
            else {
                throw .fails("meta_data.json: uuid: expected a UUID")
            }
        },
        Rule(
            "meta-data-names", .openstack, .should, "meta_data.json has hostname and name",
            breaks: "cloud-init reads hostname, glean reads name", source: "glean glean/cmd.py: set_hostname"
        ) { exam throws(RuleEnd) in
            let document = try exam.object(of: latest + "meta_data.json")
            for name in ["hostname", "name"] {
                guard case .string(let text)? = document[name], !text.isEmpty else {
                    throw .fails("meta_data.json: \(name): expected a string")
                }
            }
        },
        Rule(
            "meta-data-keys", .openstack, .must,
            "public_keys is an object of strings, keys a list of name, type and data; or both are absent",
            breaks: "Afterburn reads public_keys as a map, cloudbase-init reads type and data of keys",
            source: "afterburn src/providers/openstack/mod.rs; cloudbaseinit/metadata/services/baseopenstackservice.py"
        ) { exam throws(RuleEnd) in
            let document = try exam.object(of: latest + "meta_data.json")
            if let keys = document["public_keys"] {
                guard case .object(let members) = keys, members.allSatisfy({ if case .string = $0.value { true } else { false } })
                else {
                    throw .fails("meta_data.json: public_keys: expected an object of strings")
                }
            }
            if let keys = document["keys"] {
                guard case .array(let elements) = keys,
                    elements.allSatisfy({ !$0.text("type").isEmpty && !$0.text("data").isEmpty })
                else { throw .fails("meta_data.json: keys: expected a list of name, type and data") }
            }
        },
        Rule(
            "meta-data-no-null", .openstack, .must, "meta is an object and files a list, or they are absent; never null",
            breaks: "cloud-init fails with TypeError", source: "cloud-init cloudinit/sources/DataSourceOpenStack.py; \(helper)"
        ) { exam throws(RuleEnd) in
            let document = try exam.object(of: latest + "meta_data.json")
            if let meta = document["meta"] {
                guard case .object = meta else { throw .fails("meta_data.json: meta: expected an object") }
            }
            if let files = document["files"] {
                guard case .array = files else { throw .fails("meta_data.json: files: expected a list") }
            }
        },
        Rule(
            "random-seed", .openstack, .must, "random_seed, if present, is base64",
            breaks: "cloud-init raises BrokenMetadata and has no datasource", source: "\(helper): BaseReader.read_v2"
        ) { exam throws(RuleEnd) in
            guard let seed = try exam.object(of: latest + "meta_data.json")["random_seed"] else {
                throw .skipped("there is no random_seed")
            }
            guard case .string(let text) = seed, let data = Data(base64Encoded: text), !data.isEmpty else {
                throw .fails("meta_data.json: random_seed: expected base64")
            }
        },
        Rule(
            "files-answer", .openstack, .must, "Each content_path is answered with 200 below /openstack",
            breaks: "cloud-init raises BrokenMetadata and has no datasource", source: "\(helper): BaseReader.read_v2"
        ) { exam throws(RuleEnd) in
            let document = try exam.object(of: latest + "meta_data.json")
            var paths: [JSONValue?] = [document["network_config"]?["content_path"]]
            if case .array(let files)? = document["files"] { paths += files.map { $0["content_path"] } }
            let texts = paths.compactMap { path -> String? in if case .string(let text)? = path { text } else { nil } }
            guard !texts.isEmpty else { throw .skipped("there are no files") }
            for text in texts {
                let target = "/openstack" + (text.hasPrefix("/") ? "" : "/") + Listing.quoted(text)
                let status = try exam.get(target).status
                try expect(status == 200, "\(shown(target)): status \(status): expected 200")
            }
        },
        Rule(
            "openstack-user-data", .openstack, .must, "user_data has a body, or 404; never 200 with an empty body",
            breaks: "NixOS and Talos read an empty body as an invalid configuration", source: "NixOS/nixpkgs#126127"
        ) { exam throws(RuleEnd) in
            let response = try exam.get(latest + "user_data")
            try expect([200, 404].contains(response.status), "user_data: status \(response.status): expected 200 or 404")
            try expect(response.status == 404 || !response.body.isEmpty, "user_data: 200 with an empty body: expected 404")
        },
        Rule(
            "vendor-data", .openstack, .must,
            "vendor_data.json and vendor_data2.json are JSON or 404; never 200 with an empty body",
            breaks: "cloud-init raises BrokenMetadata and has no datasource", source: "\(helper): BaseReader.read_v2"
        ) { exam throws(RuleEnd) in
            for name in ["vendor_data.json", "vendor_data2.json"] { _ = try exam.json(of: latest + name) }
        },
        Rule(
            "network-data-empty", .openstack, .must, "network_data.json has links, or is answered with 404",
            breaks: "cloud-init configures no network at all from {}", source: "\(helper): convert_net_json"
        ) { exam throws(RuleEnd) in
            guard let document = try exam.json(of: latest + "network_data.json") else { return }
            guard case .array(let links)? = document["links"], !links.isEmpty else {
                throw .fails("network_data.json: no links: expected 404 if there is no network configuration")
            }
        },
        Rule(
            "network-data", .openstack, .must,
            "Links have id, type and ethernet_mac_address; networks have type and an existing link",
            breaks: "cloud-init fails with KeyError or ValueError; Talos knows only a few types of links",
            source: "\(helper): convert_net_json; nova doc/api_schemas/network_data.json"
        ) { exam throws(RuleEnd) in
            guard let document = try exam.json(of: latest + "network_data.json"), case .array(let links)? = document["links"]
            else {
                throw .skipped("there is no network_data.json with links")
            }
            for link in links {
                let name = shown(link.text("id"))
                try expect(!link.text("id").isEmpty && !link.text("type").isEmpty, "network_data.json: a link without id or type")
                let mac = link.text("ethernet_mac_address")
                let isVirtual = ["bond", "vlan"].contains(link.text("type"))
                try expect(
                    MACAddress(mac.lowercased()) != nil || mac.isEmpty && isVirtual,
                    "network_data.json: link \(name): ethernet_mac_address '\(shown(mac))'")
            }
            guard case .array(let networks)? = document["networks"] else {
                throw .fails("network_data.json: networks: expected a list")
            }
            for network in networks {
                try expect(!network.text("type").isEmpty, "network_data.json: a network without type")
                let link = network.text("link")
                try expect(links.contains { $0.text("id") == link }, "network_data.json: link '\(shown(link))' does not exist")
            }
        },
        Rule(
            "network-data-name", .openstack, .should, "No link has a name",
            breaks: "cloud-init renames the interface", source: "\(helper): convert_net_json"
        ) { exam throws(RuleEnd) in
            guard let document = try exam.json(of: latest + "network_data.json"), case .array(let links)? = document["links"]
            else {
                throw .skipped("there is no network_data.json with links")
            }
            try expect(!links.contains { $0["name"] != nil }, "network_data.json: a link has a name")
        },
        Rule(
            "password-read", .openstack, .must,
            "/openstack/2013-04-04/password is answered with 200, with an empty body if no password is set",
            breaks: "cloudbase-init raises an exception at 404 and sets no password",
            source: "cloudbaseinit/metadata/services/httpservice.py: is_password_set"
        ) { exam throws(RuleEnd) in
            let status = try exam.get("/openstack/2013-04-04/password").status
            try expect(status == 200, "/openstack/2013-04-04/password: status \(status): expected 200")
        },
        Rule(
            "openstack-ec2-tree", .openstack, .must, "/latest/meta-data/ is present too",
            breaks: "without it, cloud-init for OpenStack waits 5 s and warns; Afterburn reads hostname and keys from it",
            source: "\(helper): MetadataReader._read_ec2_metadata; afterburn src/providers/openstack/network.rs"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/latest/meta-data/")
            try expect(Listing(response) != nil, "/latest/meta-data/: status \(response.status): expected a listing")
        },
    ]
}
