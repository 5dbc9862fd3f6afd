import Common
import JSON

extension Crawler {
    private static let documents = [
        "meta_data.json", "user_data", "vendor_data.json", "vendor_data2.json", "network_data.json",
    ]

    /// The OpenStack tree in the versions that `/openstack` lists, `latest` first.
    mutating func walkOpenStack(latestOnly: Bool) {
        guard let root = ask("/openstack") else { return }
        record(root, as: "/openstack")
        readOtherForm("/openstack/", of: root, at: "/openstack")
        guard root.status == 200 else { return }
        guard let listing = listing(root, at: "/openstack") else { return }
        let names = listing.lines.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }.filter(Listing.isName)
        let versions = ["latest"] + (latestOnly ? [] : names.filter { $0 != "latest" && $0 != "content" }.reversed())
        for version in versions { walkDocuments(of: version) }
    }

    private mutating func walkDocuments(of version: String) {
        let root = "/openstack/\(Listing.quoted(version))/"
        guard let response = ask(root) else { return }
        record(response, as: root)
        readOtherForm(String(root.dropLast()), of: response, at: root)
        let listed = Listing(response)?.lines ?? []
        for name in listed where Listing.isName(name) && name != "content" { readDocument(root + Listing.quoted(name)) }
        // cloud-init asks for all of them, listed or not.
        for name in Self.documents { readDocument(root + name) }
        if version == "latest" { readDocument(root + "password") }
    }

    private mutating func readDocument(_ target: String) {
        guard let response = read(target), response.status == 200, target.hasSuffix("/meta_data.json"),
            let document = try? JSONParsing.value(of: response.body)
        else { return }
        var paths: [JSONValue?] = [document["network_config"]?["content_path"]]
        if case .array(let files)? = document["files"] { paths += files.map { $0["content_path"] } }
        for case .string(let path)? in paths {
            let name = path.hasPrefix("/") ? String(path.dropFirst()) : path
            guard Listing.isName(name) else {
                omit(
                    target, "content_path '\(Self.shown(path))' leads out of /openstack/",
                    kind: "content_path leads out of /openstack/")
                continue
            }
            read("/openstack/" + Listing.quoted(name))
        }
    }

    /// A NoCloud seed below `/nocloud/`, or at the URL itself.
    mutating func walkNoCloud() {
        for root in ["/nocloud/", "/"] {
            guard let metaData = ask(root + "meta-data"), metaData.status == 200, metaData.text?.hasPrefix("<") == false,
                metaData.text?.contains("instance-id") == true
            else { continue }
            if root == "/nocloud/", let listing = ask(root), listing.status == 200 {
                record(listing, as: root)
                readOtherForm("/nocloud", of: listing, at: root)
            }
            record(metaData, as: root + "meta-data")
            for name in ["user-data", "vendor-data", "network-config"] { read(root + name) }
        }
    }
}
