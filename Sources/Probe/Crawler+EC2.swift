extension Crawler {
    /// What clients ask for although no listing may name it: that it is absent is behaviour too.
    private static let usual = [
        "user-data", "meta-data/iam/info", "meta-data/iam/security-credentials/", "meta-data/spot/instance-action",
        "meta-data/spot/termination-time", "meta-data/events/recommendations/rebalance", "meta-data/events/maintenance/scheduled",
        "meta-data/events/maintenance/history", "meta-data/autoscaling/target-lifecycle-state", "meta-data/public-keys/",
        "meta-data/placement/availability-zone", "meta-data/placement/region", "meta-data/network/interfaces/macs/",
        "meta-data/tags/instance/", "dynamic/instance-identity/document",
    ]

    /// The EC2 tree in the versions that `/` lists, `latest` first.
    mutating func walkEC2(_ root: WireResponse, latestOnly: Bool) {
        record(root, as: "/")
        let listed = Listing(root)?.entries(of: "/") ?? []
        var versions = listed.compactMap { entry -> String? in
            switch entry {
            case .directory(let name), .leaf(let name): Self.isVersion(name) && name != "latest" ? name : nil
            case .key: nil
            }
        }
        versions.reverse()
        walkVersion("latest")
        for path in Self.usual { read("/latest/" + path) }
        if latestOnly { return }
        for version in versions { walkVersion(version) }
        for case .directory(let name) in listed
        where !["latest", "openstack", "nocloud"].contains(name) && !versions.contains(name) {
            walk("/\(Listing.quoted(name))/", inside: [])
        }
    }

    /// `1.0` or a date.
    private static func isVersion(_ name: String) -> Bool {
        name == "latest"
            || !name.isEmpty && name.utf8.count <= 16
                && name.utf8.allSatisfy {
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
                }
                && name != "." && name != ".."
    }

    private mutating func walkVersion(_ version: String) {
        let root = "/\(version)/"
        guard let response = ask(root) else { return }
        record(response, as: root)
        readOtherForm("/\(version)", of: response, at: root)
        let entries = Listing(response)?.entries(of: root) ?? []
        // Amazon lists these without slashes, and other servers may list nothing here.
        var names = entries.map { entry in
            switch entry {
            case .directory(let name): name + "/"
            case .key(let name), .leaf(let name): ["meta-data", "dynamic"].contains(name) ? name + "/" : name
            }
        }
        if version == "latest" || entries.isEmpty { names += ["meta-data/", "dynamic/"].filter { !names.contains($0) } }
        for name in names where isInside(name, root) {
            if name.hasSuffix("/") {
                walk(root + Listing.quoted(name), inside: [response.body])
            } else {
                readLeaf(root + Listing.quoted(name))
            }
        }
    }

    /// Walks through a directory, if it is one.
    /// - Parameter ancestors: the listings of the directories around it.
    mutating func walk(_ target: String, inside ancestors: [[UInt8]]) {
        guard ancestors.count < limits.depth else {
            return omit(target, "more than \(limits.depth) directories deep")
        }
        guard !has(target), let response = ask(target) else { return }
        record(response, as: target)
        guard response.status == 200 else { return }
        readOtherForm(String(target.dropLast()), of: response, at: target)
        guard let listing = listing(response, at: target) else { return }
        let entries = listing.entries(of: target)
        let hasDirectories = entries.contains { if case .directory = $0 { true } else { false } }
        if hasDirectories, ancestors.contains(response.body) {
            return omit(target, "lists the same as a directory around it")
        }
        for entry in entries {
            switch entry {
            case .directory(let name):
                if isInside(name, target) { walk(target + Listing.quoted(name) + "/", inside: ancestors + [response.body]) }
            case .key(let number): walk("\(target)\(number)/", inside: ancestors + [response.body])
            case .leaf(let name): if isInside(name, target) { readLeaf(target + Listing.quoted(name)) }
            }
        }
    }

    /// A leaf; that of `latest` also with a final slash, which several clients add.
    private mutating func readLeaf(_ target: String) {
        guard let response = read(target), response.status == 200, target.hasPrefix("/latest/") else { return }
        readOtherForm(target + "/", of: response, at: target)
    }

    /// Whether a listed name stays below its directory; one that does not is noted.
    private mutating func isInside(_ name: String, _ target: String) -> Bool {
        let trimmed = name.hasSuffix("/") ? String(name.dropLast()) : name
        if Listing.isName(trimmed) { return true }
        omit(target, "lists '\(Self.shown(name))', which leads out of it", kind: "names in listings that lead out of them")
        return false
    }

    /// The listing of a directory; `nil` for a body that is none, of which the reason is noted.
    mutating func listing(_ response: WireResponse, at target: String) -> Listing? {
        do throws(Listing.Problem) {
            return try Listing(reading: response)
        } catch {
            omit(target, "not a listing: \(error)", kind: "not a listing")
            return nil
        }
    }
}
