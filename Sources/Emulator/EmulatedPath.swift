import Common
import EC2API
import OpenStackAPI

/// The path of a value that an emulator's user sets or removes: in one version of a tree, or in all.
///
/// | text | path |
/// |---|---|
/// | `spot/instance-action` | `/VERSION/meta-data/spot/instance-action`, in every version |
/// | `user-data`, `dynamic/…`, `meta-data/…`, `api/token` | `/VERSION/…`, in every version |
/// | `openstack/meta_data.json` | `/openstack/VERSION/meta_data.json`, in every version |
/// | `nocloud/meta-data` | `/nocloud/meta-data` |
/// | `/latest/meta-data/hostname`, `/openstack/2018-08-27/user_data` | that path alone |
/// | `/*/user-data` | in every version, as without a slash at the beginning |
/// | `openstack/meta_data.json#/meta/role` | the member of a JSON document (RFC 6901) |
package struct EmulatedPath: Sendable, Hashable {
    package enum Tree: Sendable, Hashable, CaseIterable {
        case ec2, openStack, noCloud
    }

    package let tree: Tree
    /// The only version; `nil` for every version, and for a tree without versions.
    package let version: String?
    /// The names below the version.
    package let names: [String]
    /// The member of the JSON document at the path; `nil` for the whole entry.
    package let member: [String]?

    /// The names of the EC2 tree directly below a version.
    private static let roots: Set = ["meta-data", "user-data", "dynamic", "api"]
    private static let everyVersion = "*"

    /// Parses a path as a person writes it.
    ///
    /// - Throws: ``EmulatorError``.
    package init(_ text: String) throws(EmulatorError) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let path = TreePath(target: parts[0].hasPrefix("/") ? parts[0] : "/" + parts[0]), !path.names.isEmpty else {
            throw EmulatorError(
                "invalid path '\(text.cleaned())': expected a path such as spot/instance-action or /latest/user-data")
        }
        member = try parts.count == 2 ? Self.pointer(parts[1], in: text) : nil
        let isAbsolute = text.hasPrefix("/")
        switch path.names[0] {
        case "openstack": tree = .openStack
        case "nocloud": tree = .noCloud
        default: tree = .ec2
        }
        var names = path.names[...]
        if tree != .ec2 || isAbsolute && names.first == "ec2" { names.removeFirst() }
        if tree == .noCloud {
            version = nil
        } else if isAbsolute {
            let name = names.popFirst() ?? ""
            version = name == Self.everyVersion ? nil : name
            try Self.check(version, of: tree, in: text)
        } else {
            version = nil
            if tree == .ec2, !Self.roots.contains(path.names[0]) { names.insert("meta-data", at: names.startIndex) }
        }
        self.names = Array(names)
        guard !self.names.isEmpty else {
            throw EmulatorError("invalid path '\(text.cleaned())': expected the path of an entry below a version")
        }
    }

    private static func check(_ version: String?, of tree: Tree, in text: String) throws(EmulatorError) {
        guard let version else { return }
        let known = tree == .ec2 ? EC2Version.names : OpenStackVersion.names
        // Injected files are beside the versions.
        guard known.contains(version) || tree == .openStack && version == "content" else {
            throw EmulatorError(
                "unknown version '\(version.cleaned())' in '\(text.cleaned())': expected * for every version, or one of "
                    + known.joined(separator: ", "))
        }
    }

    /// Whether the whole entry is a document that clients parse as JSON.
    var isJSONDocument: Bool { tree == .openStack && names.last?.hasSuffix(".json") == true }

    /// Whether the path is that of an entry in a directory, at any depth, in the same versions.
    func isBelow(_ directory: EmulatedPath) -> Bool {
        directory.member == nil && (tree, version) == (directory.tree, directory.version)
            && names.count > directory.names.count && names.starts(with: directory.names)
    }

    /// The names of a JSON pointer, whose escapes are `~0` for `~` and `~1` for `/`.
    private static func pointer(_ text: String, in path: String) throws(EmulatorError) -> [String] {
        guard text.hasPrefix("/"), text.utf8.count > 1 else {
            throw EmulatorError(
                "invalid member '#\(text.cleaned())' in '\(path.cleaned())': expected a JSON pointer such as #/hostname")
        }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { name in
            String(name).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }
}

extension EmulatedPath: CustomStringConvertible {
    package var description: String {
        let root =
            switch tree {
            case .ec2: [version ?? Self.everyVersion]
            case .openStack: ["openstack", version ?? Self.everyVersion]
            case .noCloud: ["nocloud"]
            }
        let pointer = member.map { names in
            "#" + names.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
        }
        return "/" + (root + names).joined(separator: "/") + (pointer ?? "")
    }
}

/// Why an emulator cannot be started, or a value not be set: one sentence for whoever gave the value.
package struct EmulatorError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
