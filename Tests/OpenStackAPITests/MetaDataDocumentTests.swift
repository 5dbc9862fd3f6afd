import Common
import OpenStackAPI
import Testing

@Suite struct MetaDataDocumentTests {
    private func document(_ instance: Instance, in version: String) -> String? {
        read("/openstack/\(version)/meta_data.json", instance)
    }

    private let seed = String(repeating: "A", count: 683) + "="

    private func full() -> Instance {
        .example(
            placement: [Tag("region", "r"), Tag("availability-zone", "z")], project: "p",
            publicKeys: [
                PublicKey(name: "b", formats: [Tag("x509", "cert"), Tag("openssh-key", "ssh b")]),
                PublicKey(name: "a", formats: [Tag("rfc4716", "other"), Tag("x509", "cert a")]),
                PublicKey(name: "none", formats: [Tag("rfc4716", "other")]),
            ],
            tags: [Tag("z", "1"), Tag("a", "é")])
    }

    private let oldest = #"""
        {"uuid": "83679162-1378-4288-a2d4-70e13ec132aa", "meta": {"z": "1", "a": "\u00E9"}, "public_keys": {"b": "ssh b", "a": "cert a"}, \#
        "keys": [{"name": "b", "type": "ssh", "data": "ssh b"}, {"name": "a", "type": "x509", "data": "cert a"}], \#
        "hostname": "web.example", "name": "W\u00E9b", "launch_index": 3, "availability_zone": "z"
        """#

    @Test func `the oldest version has these fields in this order`() {
        #expect(document(full(), in: "2012-08-10") == oldest + "}")
    }

    @Test(arguments: ["2013-04-04", "2013-10-17"]) func `the random seed came in April 2013`(version: String) {
        #expect(document(full(), in: version) == oldest + #", "random_seed": "\#(seed)"}"#)
    }

    @Test func `the project came in October 2015`() {
        #expect(document(full(), in: "2015-10-15") == oldest + #", "random_seed": "\#(seed)", "project_id": "p"}"#)
    }

    @Test(arguments: ["2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27"])
    func `devices came in June 2016, also without devices`(version: String) {
        let newer = #", "random_seed": "\#(seed)", "project_id": "p", "devices": []}"#
        #expect(document(full(), in: version) == oldest + newer)
    }

    @Test(arguments: ["2020-10-14", "2025-04-04", "latest"]) func `dedicated processors came in October 2020`(version: String) {
        let newer = #", "random_seed": "\#(seed)", "project_id": "p", "devices": [], "dedicated_cpus": []}"#
        #expect(document(full(), in: version) == oldest + newer)
        #expect(document(.example(dedicatedProcessors: [0, 3]), in: version)?.hasSuffix(#""dedicated_cpus": [0, 3]}"#) == true)
    }

    @Test func `files are listed with the paths of their contents, which are served byte for byte`() {
        let files = (0..<12).map { InjectedFile(path: "/etc/file\($0)", content: [0xFF, UInt8($0)]) }
        let instance = Instance.example(files: files + [InjectedFile(path: "/empty", content: [])])
        let first = #""files": [{"path": "/etc/file0", "content_path": "/content/0000"}, "#
        #expect(document(instance, in: "2012-08-10")?.contains(first) == true)
        #expect(document(instance, in: "latest")?.contains(#"{"path": "/empty", "content_path": "/content/0012"}]"#) == true)
        #expect(content(at: "/openstack/content/0011", instance)?.bytes == [0xFF, 11])
        #expect(content(at: "/openstack/content/0012/", instance)?.bytes == [])
        for path in ["", "/0", "/11", "/00011", "/0013", "/-001", "/+001", "/0000/x", "/latest"] {
            #expect(content(at: "/openstack/content\(path)", instance) == nil, "\(path)")
        }
        #expect(content(at: "/openstack/latest/content/0000", instance) == nil)
        #expect(content(at: "/openstack/content/0000", .example()) == nil)
    }

    @Test func `unknown values have no field`() {
        #expect(
            document(.example(), in: "latest") == #"""
                {"uuid": "83679162-1378-4288-a2d4-70e13ec132aa", "hostname": "web.example", "name": "W\u00E9b", "launch_index": 3, \#
                "random_seed": "\#(seed)", "devices": [], "dedicated_cpus": []}
                """#)
    }

    @Test func `the random seed is new on each reading and has 512 bytes`() throws {
        let question = Question(about: .example(), address: nil, interface: nil, entropy: .system)
        let node = try #require(OpenStackView().node(at: TreePath(["openstack", "latest", "meta_data.json"]), for: question))
        #expect(try node.content.bytes != node.content.bytes)
        #expect(try node.content.bytes.count == Array((document(.example(), in: "latest") ?? "").utf8).count)
    }
}
