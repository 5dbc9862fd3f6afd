import Common
import EC2API
import Testing

@Suite struct EC2ViewTests {
    private static let versions = [
        "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04",
        "2011-01-01", "2011-05-01", "2012-01-12", "latest",
    ]

    /// An instance of which everything is known that this tree can show.
    private func full() -> Instance {
        var images = ImageIdentifiers()
        (images.image, images.manifestPath, images.reservation) = ("ami-1", "path", "r-1")
        (images.kernel, images.ramdisk) = ("aki-1", "ari-1")
        return .example(
            publicKeys: [.example("a", "openssh-key")], disks: [Disk(target: "vda", role: nil, isRoot: true)], images: images,
            groups: ["default", "web"], placement: [Tag("region", "r"), Tag("availability-zone", "z")], userData: [0, 0xFF],
            additional: Directory([Directory.Member("x", .text("y"))]), interfaces: [NetworkInterface(mac: MACAddress(bits: 1))])
    }

    @Test func `anybody may see the versions, and nothing else`() {
        let view = EC2View()
        let content = view.publicNode(at: TreePath([]))?.content.bytes
        #expect(content.map { String(decoding: $0, as: UTF8.self) } == Self.versions.joined(separator: "\n"))
        #expect(view.publicNode(at: TreePath(["ec2"])) == nil)
        #expect(view.publicNode(at: TreePath(["latest"])) == nil)
        #expect(view.claims(TreePath([])) && view.claims(TreePath(["anything", "else"])))
    }

    @Test func `the tree has a second name, once`() {
        #expect(read("/ec2", full()) == Self.versions.joined(separator: "\n"))
        #expect(read("/ec2/latest/meta-data/instance-id", full()) == "i-83679162137842882")
        #expect(read("/ec2/ec2/latest", full()) == nil)
        #expect(read("/latest/ec2", full()) == nil)
    }

    /// What each version has under `meta-data/`, by the version that brought it.
    private static let brought: [(version: String, places: [String])] = [
        (
            "1.0",
            [
                "ami-id", "ami-launch-index", "ami-manifest-path", "hostname", "instance-id", "local-ipv4", "public-keys/",
                "reservation-id", "security-groups",
            ]
        ),
        ("2007-01-19", ["local-hostname", "public-hostname", "public-ipv4"]), ("2007-08-29", ["instance-type"]),
        ("2007-12-15", ["block-device-mapping/", "kernel-id", "ramdisk-id"]), ("2008-02-01", ["placement/"]),
        ("2008-09-01", ["instance-action"]),
    ]

    @Test(arguments: versions) func `a version lists what came with it and before, sorted`(version: String) {
        let expected = Self.brought.filter { version == "latest" || $0.version <= version }.flatMap(\.places).sorted()
        #expect(read("/\(version)/meta-data", full(), from: "192.0.2.1") == expected.joined(separator: "\n"))
        #expect(read("/\(version)", full(), from: "192.0.2.1") == "additional/\nmeta-data/\nuser-data")
    }

    @Test func `each place has its own value`() {
        let values = [
            "ami-id": "ami-1", "ami-launch-index": "3", "ami-manifest-path": "path", "hostname": "web.example",
            "instance-action": "stop", "instance-id": "i-83679162137842882", "instance-type": "small", "kernel-id": "aki-1",
            "local-hostname": "web.example", "local-ipv4": "192.0.2.1", "placement/availability-zone": "z",
            "public-hostname": "web.example", "public-ipv4": "192.0.2.1", "ramdisk-id": "ari-1", "reservation-id": "r-1",
            "security-groups": "default\nweb",
        ]
        for (place, value) in values {
            #expect(read("/latest/meta-data/\(place)", full(), from: "192.0.2.1") == value, "\(place)")
        }
        #expect(read("/latest/additional/x", full()) == "y")
        #expect(read("/latest/meta-data/placement", full()) == "availability-zone")
    }

    @Test func `user data is served to the byte and is no text`() {
        let question = Question(about: full(), address: nil, interface: nil, entropy: .system)
        #expect(EC2View().node(at: TreePath(["1.0", "user-data"]), for: question)?.content.bytes == [0, 0xFF])
    }

    @Test func `what is unknown is neither served nor listed`() {
        #expect(read("/latest", .example()) == "meta-data/")
        #expect(read("/latest/user-data", .example()) == nil)
        #expect(read("/latest/additional", .example()) == nil)
        #expect(
            read("/latest/meta-data", .example()) == """
                ami-launch-index
                hostname
                instance-action
                instance-id
                instance-type
                local-hostname
                public-hostname
                """)
    }
}
