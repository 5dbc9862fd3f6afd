import Common
import EC2API
import Testing

@Suite struct EC2ViewTests {
    private static let versions = [
        "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04",
        "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19", "2016-06-30",
        "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03", "2021-03-23",
        "2021-07-15", "2022-07-09", "2022-09-24", "2024-04-11", "latest",
    ]

    @Test func `only the list of versions is public`() throws {
        let view = EC2View()
        let content = try view.publicNode(at: TreePath([]))?.content.bytes
        #expect(content.map { String(decoding: $0, as: UTF8.self) } == Self.versions.joined(separator: "\n"))
        #expect(view.publicNode(at: TreePath(["ec2"])) == nil)
        #expect(view.publicNode(at: TreePath(["latest"])) == nil)
        #expect(view.claims(TreePath([])) && view.claims(TreePath(["anything", "else"])))
    }

    @Test func `the tree has one alias`() {
        #expect(read("/ec2", .full) == Self.versions.joined(separator: "\n"))
        #expect(read("/ec2/latest/meta-data/instance-id", .full) == "i-83679162137842882")
        #expect(read("/ec2/ec2/latest", .full) == nil)
        #expect(read("/latest/ec2", .full) == nil)
    }

    /// The paths under `meta-data/` by the version that introduced them.
    private static let introduced: [(version: String, paths: [String])] = [
        (
            "1.0",
            [
                "ami-id", "ami-launch-index", "ami-manifest-path", "hostname", "instance-id", "local-ipv4", "public-keys/",
                "reservation-id", "security-groups",
            ]
        ),
        ("2007-01-19", ["local-hostname", "public-hostname", "public-ipv4"]), ("2007-03-01", ["product-codes"]),
        ("2007-08-29", ["instance-type"]), ("2007-10-10", ["ancestor-ami-ids", "ramdisk-id"]),
        ("2007-12-15", ["block-device-mapping/"]), ("2008-02-01", ["kernel-id", "placement/"]),
        ("2008-09-01", ["instance-action"]), ("2011-01-01", ["mac", "network/"]), ("2012-01-12", ["iam/", "profile"]),
        ("2014-02-25", ["services/"]), ("2014-11-05", ["spot/"]), ("2018-08-17", ["events/"]),
        ("2019-10-01", ["instance-life-cycle"]), ("2021-01-03", ["ipv6"]), ("2021-03-23", ["tags/"]),
        ("2021-07-15", ["autoscaling/"]), ("2022-09-24", ["system"]),
    ]

    @Test(arguments: versions) func `a version lists the entries up to it, sorted`(version: String) {
        let expected = Self.introduced.filter { version == "latest" || $0.version <= version }.flatMap(\.paths).sorted()
        #expect(read("/\(version)/meta-data", .full, from: "192.0.2.1") == expected.joined(separator: "\n"))
        let dynamic = version >= "2009-04-04" ? "dynamic/\n" : ""
        #expect(read("/\(version)", .full, from: "192.0.2.1") == "additional/\n\(dynamic)meta-data/\nuser-data")
    }

    @Test(arguments: ["2009-04-04x", "9999-99-99", "2023-02-15", "LATEST", "latest ", "1", "1.0.0"])
    func `there is no other version`(version: String) {
        #expect(read("/\(version)", .full) == nil)
        #expect(read("/\(version)/meta-data/instance-id", .full) == nil)
    }

    @Test func `a path out of a version is normalized`() {
        #expect(read("/2009-04-04/../latest/meta-data/instance-id", .full) == "i-83679162137842882")
        #expect(read("/../latest/meta-data/instance-id", .full) == "i-83679162137842882")
        #expect(read("/latest/..", .full) == Self.versions.joined(separator: "\n"))
    }

    @Test func `each path has its own value`() {
        let values = [
            "ami-id": "ami-1", "ami-launch-index": "3", "ami-manifest-path": "path", "ancestor-ami-ids": "ami-2\nami-3",
            "autoscaling/target-lifecycle-state": "InService", "events/maintenance/history": "[1]",
            "events/maintenance/scheduled": "[2]", "events/recommendations/rebalance": "{}", "hostname": "web.example",
            "iam/info": "{\"Code\": 1}", "iam/security-credentials": "role", "iam/security-credentials/role": "{\"Key\": 1}",
            "instance-action": "stop", "instance-id": "i-83679162137842882", "instance-life-cycle": "spot",
            "instance-type": "small", "ipv6": "2001:db8::7", "kernel-id": "aki-1", "local-hostname": "web.example",
            "local-ipv4": "192.0.2.1", "mac": "52:54:00:ab:cd:ef", "placement/availability-zone": "rack-1a",
            "placement/availability-zone-id": "z1", "placement/group-name": "g", "placement/host-id": "h",
            "placement/partition-number": "4", "placement/region": "rack-1", "product-codes": "p1\np2",
            "profile": "default-hvm", "public-hostname": "web.example", "public-ipv4": "192.0.2.1", "ramdisk-id": "ari-1",
            "reservation-id": "r-1", "security-groups": "default\nweb", "services/domain": "example.com",
            "services/partition": "here", "spot/instance-action": "{\"action\": \"stop\"}",
            "spot/termination-time": "2026-01-01T00:00:00Z", "system": "kvm", "tags/instance": "Name\nempty",
            "tags/instance/Name": "web", "tags/instance/empty": "",
        ]
        for (path, value) in values {
            #expect(read("/latest/meta-data/\(path)", .full, from: "192.0.2.1") == value, "\(path)")
        }
        #expect(read("/latest/additional/x", .full) == "y")
        #expect(read("/latest/meta-data/iam", .full) == "info\nsecurity-credentials/")
    }

    @Test func `a value that the operator omits has a default or is missing`() {
        let verbatim = ["profile": "bare", "instance-life-cycle": "spot"]
        #expect(read("/latest/meta-data/profile", .example(verbatim: verbatim)) == "bare")
        #expect(read("/latest/meta-data/instance-life-cycle", .example()) == "on-demand")
        #expect(read("/latest/meta-data/profile", .example()) == nil)
        #expect(read("/latest/meta-data/services", .example()) == nil)
    }

    @Test(arguments: [
        ("us-east-1a", "us-east-1"), ("rack-1", nil), ("nova", nil), ("a", nil), ("1a", "1"), ("rack-1A", nil), ("", nil),
    ]) func `a region is its zone's name without the letter behind a number`(zone: String, region: String?) {
        #expect(read("/latest/meta-data/placement/region", .example(placement: [Tag("availability-zone", zone)])) == region)
        let placement = [Tag("availability-zone", zone), Tag("region", "r")]
        #expect(read("/latest/meta-data/placement/region", .example(placement: placement)) == "r")
    }

    @Test func `user data is served byte for byte and not as text`() throws {
        let question = Question(about: .full, address: nil, interface: nil, entropy: .system)
        #expect(try EC2View().node(at: TreePath(["1.0", "user-data"]), for: question)?.content.bytes == [0, 0xFF])
    }

    @Test func `unknown values are neither served nor listed`() {
        #expect(read("/latest", .example()) == "dynamic/\nmeta-data/")
        #expect(read("/latest/user-data", .example()) == nil)
        #expect(read("/latest/additional", .example()) == nil)
        #expect(
            read("/latest/meta-data", .example()) == """
                ami-launch-index
                hostname
                instance-action
                instance-id
                instance-life-cycle
                instance-type
                local-hostname
                public-hostname
                """)
    }
}
