import Probe

/// The EC2 tree: versions, listings and the forms of paths.
extension Rule {
    private static let crawler = "cloud-init cloudinit/sources/helpers/ec2.py"

    /// The visits of `latest`.
    private static func visits(_ exam: Examination) throws(RuleEnd) -> [Examination.Visit] { try exam.walk("latest") }

    private static func list(_ targets: [String]) -> String {
        targets.prefix(5).map(shown).joined(separator: ", ") + (targets.count > 5 ? " and \(targets.count - 5) more" : "")
    }

    static let ec2Rules: [Rule] = [
        Rule(
            "versions-list", .ec2, .must, "/ lists the versions, latest among them",
            breaks: "ohai chooses a version from this list",
            source: "ohai lib/ohai/mixin/ec2_metadata.rb: best_api_version"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/")
            guard let listing = Listing(response) else {
                throw .fails("/: status \(response.status): expected a list of versions")
            }
            try expect(listing.lines.contains { $0 == "latest" || $0 == "latest/" }, "/: latest is not listed")
        },
        Rule(
            "version-2009-04-04", .ec2, .must, "/2009-04-04/meta-data/instance-id is answered with 200",
            breaks: "cloud-init without an AWS identity, CirrOS, cloudbase-init and coreos-cloudinit ask for this version",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: min_metadata_version; cirros src/usr/bin/ec2metadata"
        ) { exam throws(RuleEnd) in
            let body = try exam.body(of: "/2009-04-04/meta-data/instance-id")
            try expect(!body.isEmpty, "/2009-04-04/meta-data/instance-id: empty")
        },
        Rule(
            "version-of-clients", .ec2, .should, "/2019-10-01 and /2021-01-03 are answered",
            breaks: "Ignition on AWS treats a 404 of /2019-10-01/user-data as 'no configuration'; Afterburn gets no attributes",
            source: "ignition internal/providers/aws/aws.go; afterburn src/providers/aws/mod.rs"
        ) { exam throws(RuleEnd) in
            for version in ["2019-10-01", "2021-01-03"] {
                _ = try exam.body(of: "/\(version)/meta-data/instance-id")
            }
        },
        Rule(
            "version-unknown", .ec2, .must, "A version that does not exist is answered with 404",
            breaks: "cloud-init uses the first of its versions that is answered with 200",
            source: "cloud-init cloudinit/sources/DataSourceEc2.py: get_metadata_api_version"
        ) { exam throws(RuleEnd) in
            for target in ["/9999-12-31/meta-data/instance-id", "/9999-12-31/"] {
                let status = try exam.get(target).status
                try expect(status == 404, "\(target): status \(status): expected 404")
            }
        },
        Rule(
            "path-unknown", .ec2, .must, "A path that does not exist is answered with 404",
            breaks: "Ignition, Afterburn and cloudbase-init read 404 as absent, and any other status as an error",
            source: "afterburn src/retry/client.rs; cloudbase-init cloudbaseinit/metadata/services/base.py"
        ) { exam throws(RuleEnd) in
            for target in ["/latest/meta-data/virt-metadata-none", "/latest/none"] {
                let status = try exam.get(target).status
                try expect(status == 404, "\(target): status \(status): expected 404")
            }
        },
        Rule(
            "version-root", .ec2, .must, "/latest/ lists meta-data",
            breaks: "coreos-cloudinit asks for a version's root to find the service",
            source: "coreos-cloudinit datasource/metadata/metadata.go: IsAvailable"
        ) { exam throws(RuleEnd) in
            guard let listing = Listing(try exam.get("/latest/")) else { throw .fails("/latest/: expected a listing") }
            try expect(listing.lines.contains { $0 == "meta-data" || $0 == "meta-data/" }, "/latest/: meta-data is not listed")
        },
        Rule(
            "entries-answer", .ec2, .must, "Each listed entry is answered with 200, in every version that clients read",
            breaks: "cloud-init drops all metadata if one listed path fails", source: crawler
        ) { exam throws(RuleEnd) in
            for version in try exam.servedVersions() {
                let bad = try exam.walk(version).filter { $0.response.status != 200 }.map {
                    "\($0.target) (\($0.response.status))"
                }
                try expect(bad.isEmpty, "listed, but not answered with 200: \(list(bad))")
            }
        },
        Rule(
            "listing-newline", .ec2, .must, "No listing ends with a newline",
            breaks: "os-collect-config splits the listing and fails at the empty name: IndexError",
            source: "os-collect-config os_collect_config/ec2.py"
        ) { exam throws(RuleEnd) in
            let bad = try visits(exam).filter { $0.isDirectory && $0.response.body.last == 10 }.map(\.target)
            try expect(bad.isEmpty, "listings with a newline at their end: \(list(bad))")
        },
        Rule(
            "listing-empty", .ec2, .must, "No listed directory is empty",
            breaks: "os-collect-config fails: IndexError", source: "os-collect-config os_collect_config/ec2.py"
        ) { exam throws(RuleEnd) in
            let bad = try visits(exam).filter { $0.isDirectory && $0.response.status == 200 && $0.response.body.isEmpty }.map(
                \.target)
            try expect(bad.isEmpty, "empty listings: \(list(bad))")
        },
        Rule(
            "listing-duplicates", .ec2, .should, "No listing has a name twice, not even once as a value and once as a directory",
            breaks: "cloud-init warns, and reads only the directory", source: crawler
        ) { exam throws(RuleEnd) in
            for visit in try visits(exam) where visit.isDirectory {
                let names = (Listing(visit.response)?.lines ?? []).map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
                let bad = names.filter { name in names.count { $0 == name } > 1 }
                try expect(bad.isEmpty, "\(visit.target): twice: \(list(Array(Set(bad)).sorted()))")
            }
        },
        Rule(
            "leaf-newline", .ec2, .must, "No value ends with a newline",
            breaks: "cloud-init reads such a value as a list: a list as the host name fails with AttributeError", source: crawler
        ) { exam throws(RuleEnd) in
            let bad = try visits(exam).filter { !$0.isDirectory && $0.response.body.last == 10 }.map(\.target)
            try expect(bad.isEmpty, "values with a newline at their end: \(list(bad))")
        },
        Rule(
            "slash-directory", .ec2, .must,
            "A directory has the same response with and without a final slash, and no redirect",
            breaks: "CirrOS and ec2-metadata use curl without -L: a redirect gives no keys",
            source: "cirros src/usr/bin/ec2metadata"
        ) { exam throws(RuleEnd) in
            for visit in try visits(exam) where visit.isDirectory && visit.response.status == 200 {
                let other = try exam.get(String(visit.target.dropLast()))
                try expect(
                    other.status == 200,
                    "\(shown(String(visit.target.dropLast()))): status \(other.status): expected 200 as with /")
                try expect(other.body == visit.response.body, "\(shown(visit.target)): the body without the final slash differs")
            }
        },
        Rule(
            "slash-leaf", .ec2, .must, "A value has the same response with and without a final slash",
            breaks: "botocore asks for placement/availability-zone/, ohai and ansible for user-data/",
            source: "botocore/utils.py: InstanceMetadataRegionFetcher; amazon.aws plugins/modules/ec2_metadata_facts.py"
        ) { exam throws(RuleEnd) in
            for visit in try visits(exam) where !visit.isDirectory && visit.response.status == 200 {
                let other = try exam.get(visit.target + "/")
                try expect(other.status == 200, "\(shown(visit.target))/: status \(other.status): expected 200 as without /")
                try expect(other.body == visit.response.body, "\(shown(visit.target)): the body with a final slash differs")
            }
        },
        Rule(
            "double-slash", .ec2, .must, "Empty names in a path are ignored",
            breaks: "ec2-metadata of amazon-ec2-utils asks for /latest//meta-data/", source: "amazon-ec2-utils ec2-metadata"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/latest//meta-data/instance-id")
            try expect(response.status == 200, "/latest//meta-data/instance-id: status \(response.status): expected 200")
        },
        Rule(
            "percent-encoding", .ec2, .must, "Escapes in a path are decoded",
            breaks: "cloud-init and Go escape names with spaces and colons", source: "\(crawler): combine_url"
        ) { exam throws(RuleEnd) in
            let response = try exam.get("/latest/meta%2Ddata/instance%2did")
            try expect(response.status == 200, "/latest/meta%2Ddata/instance%2did: status \(response.status): expected 200")
        },
        Rule(
            "dot-segments", .ec2, .must, "No path leads out of the tree",
            breaks: "a metadata server that serves files would expose other files of its host", source: "RFC 3986 section 7.3"
        ) { exam throws(RuleEnd) in
            for target in [
                "/latest/meta-data/../../../../../../etc/passwd", "/..%2f..%2f..%2f..%2fetc/passwd",
                "/latest/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            ] {
                let status = try exam.get(target).status
                try expect(status >= 400, "\(target): status \(status): expected 404")
            }
        },
    ]
}
