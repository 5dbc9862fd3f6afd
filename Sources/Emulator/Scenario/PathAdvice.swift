import Common
import EC2API
import OpenStackAPI

/// Finds the paths that may be meant where no instance has the path that was written.
struct PathAdvice {
    /// Every path that is known, as people write it: `spot/instance-action`, `openstack/user_data`. A star stands for any name.
    let known: [[String]]

    /// How many paths are named.
    private static let most = 3
    /// Documents of the EC2 tree that have members.
    private static let documents: Set = [
        "dynamic/instance-identity/document", "spot/instance-action", "events/recommendations/rebalance",
        "events/maintenance/scheduled", "events/maintenance/history", "iam/info", "iam/security-credentials/*",
    ]
    private static let roots: Set = ["meta-data", "user-data", "dynamic", "api"]

    /// What is said after the problem: it begins with a semicolon, or is empty.
    ///
    /// - Parameters:
    ///   - text: the path as it was written.
    ///   - mayBeDirectory: whether a directory can be meant.
    func sentence(about path: EmulatedPath, as text: String, mayBeDirectory: Bool) -> String {
        let member = text.firstIndex(of: "#").map { String(text[$0...]) } ?? ""
        let writing = Writing(path, isAbsolute: text.hasPrefix("/"), member: member)
        if let forms = Self.formsOfVersion(in: path, writing) {
            return "; begin with '/' for one version: '\(forms.one.cleaned())'; leave out the version for all: "
                + "'\(forms.all.cleaned())'"
        }
        let names = Self.written(path)
        let words = member.isEmpty ? document(above: names, writing).map { [$0] } : nil
        return Self.question(words ?? near(names, mayBeDirectory: mayBeDirectory).map(writing.text))
    }

    /// `; did you mean 'a' or 'b'?`
    static func question(_ words: [String]) -> String {
        guard !words.isEmpty else { return "" }
        return "; did you mean \(ScenarioReading.list(words.map { "'\($0.cleaned())'" }, "or"))?"
    }

    /// A path as people write it, without its version.
    static func written(_ path: EmulatedPath) -> [String] {
        switch path.tree {
        case .ec2: path.names.first == "meta-data" ? Array(path.names.dropFirst()) : path.names
        case .openStack: ["openstack"] + path.names
        case .noCloud: ["nocloud"] + path.names
        }
    }

    /// How a proposal is written: with the version and the member of the path that it is to replace.
    private struct Writing {
        let version: String?
        let isAbsolute: Bool
        let member: String

        init(_ path: EmulatedPath, isAbsolute: Bool, member: String) {
            (version, self.isAbsolute, self.member) = (path.version, isAbsolute, member)
        }

        func text(_ names: [String]) -> String {
            let shown = names.indices.map { index in
                guard names[index] == "*" else { return names[index] }
                return index > 0 && names[index - 1] == "macs" ? "<mac>" : "<name>"
            }
            guard isAbsolute else { return shown.joined(separator: "/") + member }
            return "/" + PathAdvice.absolute(shown, version: version ?? "*").joined(separator: "/") + member
        }
    }

    private static func absolute(_ names: [String], version: String) -> [String] {
        switch names.first {
        case "nocloud": names
        case "openstack": ["openstack", OpenStackVersion(name: version) == nil ? "*" : version] + names.dropFirst()
        case let root?:
            [EC2Version(name: version) == nil ? "*" : version] + (roots.contains(root) ? names : ["meta-data"] + names)
        case nil: names
        }
    }

    // MARK: Two mistakes

    /// `latest/meta-data/hostname`: a path of one version without its slash, as it should be written for one and for all versions.
    private static func formsOfVersion(in path: EmulatedPath, _ writing: Writing) -> (one: String, all: String)? {
        guard !writing.isAbsolute else { return nil }
        var names = path.names[...]
        if path.tree == .ec2, names.first == "meta-data" { names.removeFirst() }
        if path.tree == .ec2, names.first == "ec2" { names.removeFirst() }
        guard let version = names.popFirst(), !names.isEmpty else { return nil }
        switch path.tree {
        case .ec2 where EC2Version(name: version) != nil:
            let rest = names.first == "meta-data" ? Array(names.dropFirst()) : Array(names)
            guard !rest.isEmpty else { return nil }
            let one = absolute(rest, version: version).joined(separator: "/")
            return ("/" + one + writing.member, rest.joined(separator: "/") + writing.member)
        case .openStack where OpenStackVersion(name: version) != nil:
            let rest = names.joined(separator: "/") + writing.member
            return ("/openstack/\(version)/\(rest)", "openstack/\(rest)")
        default: return nil
        }
    }

    /// `openstack/meta_data.json/meta/role`: a member without its number sign.
    private func document(above names: [String], _ writing: Writing) -> String? {
        for count in (1..<max(1, names.count)).reversed() {
            let (head, rest) = (Array(names[..<count]), names[count...])
            let document = known.first { row in
                (row.last?.hasSuffix(".json") == true || Self.documents.contains(row.joined(separator: "/")))
                    && (Self.equals(row, head) || row.count > head.count && Array(row.suffix(head.count)) == head)
            }
            guard let document else { continue }
            let pointer = rest.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
            return writing.text(document.count == head.count ? head : document) + "#" + pointer
        }
        return nil
    }

    private static func equals(_ row: [String], _ names: [String]) -> Bool {
        row.count == names.count && zip(row, names).allSatisfy { $0 == "*" || $0 == $1 }
    }

    // MARK: Misspelt paths

    /// The known paths that end with the names, and the one that is spelt most like them.
    private func near(_ names: [String], mayBeDirectory: Bool) -> [[String]] {
        var candidates: [[String]] = []
        var taken: Set<[String]> = []
        for row in known {
            for count in (mayBeDirectory ? 1 : row.count)...max(1, row.count) {
                let names = Array(row.prefix(count))
                if taken.insert(names).inserted { candidates.append(names) }
            }
        }
        let longer = candidates.filter { $0.count > names.count }.sorted { $0.count < $1.count }
        var found = Array(longer.filter { Array($0.suffix(names.count)) == names }.prefix(Self.most - 1))
        // The names of an instance, such as a MAC address, are taken from the path.
        let filled = candidates.filter { $0.count == names.count }.map { row in zip(row, names).map { $0 == "*" ? $1 : $0 } }
        let others = candidates.filter { $0.count != names.count && !$0.contains("*") }
        // Beside a path with this end, another one is only meant where a dash is an underscore.
        if let similar = Self.nearest(to: names, among: filled + others), found.isEmpty || Self.isClose(similar, names) {
            found.append(similar)
        }
        if found.isEmpty, let end = Self.nearest(to: names, among: longer.map { Array($0.suffix(names.count)) }) {
            found = longer.filter { Array($0.suffix(names.count)) == end }
        }
        return Array(found.prefix(Self.most))
    }

    private static func isClose(_ one: [String], _ other: [String]) -> Bool {
        one.map { $0.replacing("_", with: "-") } == other.map { $0.replacing("_", with: "-") }
    }

    private static func nearest(to names: [String], among candidates: [[String]]) -> [String]? {
        let word = nearestWord(to: names.joined(separator: "/"), among: candidates.map { $0.joined(separator: "/") })
        return word.map { $0.split(separator: "/").map(String.init) }
    }
}

extension PathAdvice {
    /// The pattern of known paths that is spelt most like a text; `nil` where none is.
    func pattern(like text: String) -> String? {
        var forms: Set<String> = []
        for row in known {
            for count in 1...max(1, row.count) {
                var names = Array(row.prefix(count))
                // A pattern is compared with the whole path, which has the version.
                if names.first == "openstack", names.count > 1, names[1] != "content" { names.insert("*", at: 1) }
                var written = [names.joined(separator: "/")]
                if text.hasPrefix("/") {
                    let first = text.split(separator: "/").map(String.init)
                    let version = first.first == "openstack" ? first.dropFirst().first : first.first
                    written = ["/" + Self.absolute(Array(row.prefix(count)), version: version ?? "*").joined(separator: "/")]
                } else if let root = names.first, !Self.roots.contains(root), root != "openstack", root != "nocloud" {
                    written.append("meta-data/" + written[0])
                }
                forms.formUnion(written)
                if count < row.count { for form in written { forms.formUnion([form + "/*", form + "/**"]) } }
            }
        }
        return nearestWord(to: text, among: forms)
    }
}
