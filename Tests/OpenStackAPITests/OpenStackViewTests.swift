import Common
import OpenStackAPI
import Testing

@Suite struct OpenStackViewTests {
    private static let versions = [
        "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
        "2020-10-14", "2025-04-04", "latest",
    ]

    @Test func `the root is openstack, and nothing is public`() {
        let view = OpenStackView()
        #expect(view.claims(TreePath(["openstack"])) && view.claims(TreePath(["openstack", "latest"])))
        #expect(!view.claims(TreePath([])) && !view.claims(TreePath(["latest"])))
        #expect(view.publicNode(at: TreePath(["openstack"])) == nil)
        #expect(read("/openstack", .example()) == Self.versions.joined(separator: "\n"))
        #expect(read("/openstack/2012-08-11", .example()) == nil)
    }

    /// The files in the order of the listing, each with the version that introduced it.
    private static let files = [
        ("meta_data.json", "2012-08-10"), ("user_data", "2012-08-10"), ("password", "2013-04-04"),
        ("vendor_data.json", "2013-10-17"), ("network_data.json", "2015-10-15"), ("vendor_data2.json", "2016-10-06"),
    ]

    @Test(arguments: versions) func `a version lists the files up to it, in Nova's order`(version: String) {
        let instance = Instance.example(userData: [1], interfaces: [.example()])
        let expected = Self.files.filter { version == "latest" || $0.1 <= version }.map(\.0)
        #expect(read("/openstack/\(version)", instance) == expected.joined(separator: "\n"))
        for (file, _) in Self.files {
            #expect((content(at: "/openstack/\(version)/\(file)", instance) != nil) == expected.contains(file), "\(file)")
        }
    }

    @Test func `documents are JSON except the one that is text in Nova`() {
        let instance = Instance.example(userData: [1], interfaces: [.example()])
        for (file, type) in [
            ("meta_data.json", MediaType.json), ("vendor_data.json", .json), ("vendor_data2.json", .json),
            ("network_data.json", .plainText), ("user_data", .plainText), ("password", .plainText),
        ] { #expect(content(at: "/openstack/latest/\(file)", instance)?.type == type, "\(file)") }
    }

    @Test func `user data is served byte for byte, or not at all`() {
        #expect(content(at: "/openstack/latest/user_data", .example(userData: [0, 0xFF]))?.bytes == [0, 0xFF])
        #expect(read("/openstack/latest/user_data", .example()) == nil)
        #expect(read("/openstack/latest", .example()) == "meta_data.json\npassword\nvendor_data.json\nvendor_data2.json")
    }

    @Test func `the password is empty until the guest stores one`() {
        #expect(read("/openstack/2013-04-04/password", .example()) == "")
        #expect(read("/openstack/latest/password", .example(password: "c2VjcmV0\n")) == "c2VjcmV0\n")
        #expect(read("/openstack/2012-08-10/password", .example(password: "c2VjcmV0")) == nil)
    }

    @Test func `a password is stored and read at the same path`() {
        let operation = { (path: String) in TreePath(target: path).flatMap { OpenStackView().operation(at: $0) } }
        for path in ["/openstack/2013-04-04/password", "/openstack/latest/password/", "//openstack//2020-10-14/password?x"] {
            guard case .storePassword = operation(path) else {
                Issue.record("nothing is left at \(path)")
                continue
            }
        }
        for path in ["/openstack/2012-08-10/password", "/openstack/password", "/openstack", "/openstack/latest/user_data"] {
            #expect(operation(path) == nil, "\(path)")
        }
    }

    @Test func `vendor data is any JSON, by default an empty object`() {
        let list = Instance.example(vendorData: .array([.string("ü"), .integer(1)]))
        #expect(read("/openstack/latest/vendor_data.json", list) == #"["\u00FC", 1]"#)
        #expect(read("/openstack/latest/vendor_data2.json", list) == #"{"static": ["\u00FC", 1]}"#)
        #expect(read("/openstack/latest/vendor_data.json", .example()) == "{}")
        #expect(read("/openstack/latest/vendor_data2.json", .example()) == #"{"static": {}}"#)
    }
}
