import Common
import EC2API
import Inventory
import NoCloudAPI
import OpenStackAPI
import Recording

/// What a scenario may name: the emulator's instances, and paths that exist.
package struct ScenarioNames: Sendable {
    /// The names of the emulator's instances.
    package let instances: [String]
    /// Paths that exist besides those of the server's own tables, as a recorded server has them.
    private let recorded: [EmulatedPath.Tree: Set<[String]>]

    /// - Parameter targets: paths of recorded servers, with their versions.
    package init(instances: [String], targets: [String] = []) {
        self.instances = instances
        // A version that only the recorded server has cannot be named in a scenario.
        let paths = targets.compactMap { try? EmulatedPath($0) }
        recorded = Dictionary(grouping: paths) { $0.tree }.mapValues { Set($0.map(\.names)) }
    }

    package init(of instances: [EmulatedInstance]) {
        let targets = instances.compactMap { $0.recording?.recording.responses.filter { $0.status == 200 } }
        self.init(instances: instances.map(\.name), targets: targets.joined().map(\.target).filter { !$0.hasSuffix("/") })
    }

    /// The path that a text names, where it exists.
    ///
    /// - Throws: ``EmulatorError`` where a value can not be set at it.
    package func path(_ text: String, isNew: Bool = false) throws(EmulatorError) -> EmulatedPath {
        let path = try EmulatedPath(text)
        let shape = EmulatedShape(path)
        if path.member != nil || isNew || recorded[path.tree]?.contains(path.names) == true { return path }
        switch path.tree {
        case .noCloud where Self.noCloud.contains(shape.text): return path
        case .openStack where Self.openStack.contains(shape.text) || path.version == "content": return path
        case .ec2 where Self.ec2.contains(where: shape.isBelow): return path
        default: break
        }
        let known = path.tree == .ec2 ? Self.ec2 : path.tree == .openStack ? Self.openStack : Self.noCloud
        if known.contains(where: { $0.hasPrefix(shape.text + "/") }) {
            throw EmulatorError("'\(text.cleaned())' is a directory: expected the path of a value below it")
        }
        let advice = nearestWord(to: shape.text, among: known).map { "; did you mean '\($0)'?" } ?? ""
        throw EmulatorError("no path '\(text.cleaned())'\(advice); a path that no instance has is declared in 'new-paths'")
    }

    /// The paths of the EC2 tree below a version; below those that end with a star, the names are the instance's.
    private static let ec2 =
        EC2View.entries.map { $0.path.replacing("<mac>", with: "*") }.filter { !directories.contains($0) }
        + [
            "meta-data/public-keys/*/openssh-key", "meta-data/iam/security-credentials/*", "meta-data/tags/instance/*",
            "api/token",
        ]
        + ["meta-data/block-device-mapping/*", "additional/*", "meta-data/network/interfaces/macs/*/ipv4-associations/*"]
    /// Rows of the table that are directories, whatever the instance.
    private static let directories: Set = [
        "meta-data/public-keys", "meta-data/iam/security-credentials", "meta-data/tags/instance",
        "meta-data/block-device-mapping",
        "additional", "meta-data/network/interfaces/macs/*/ipv4-associations",
    ]
    private static let openStack = OpenStackView.files.map(\.name)
    private static let noCloud = ["meta-data", "user-data", "vendor-data", "network-config"]
}

/// A path below its version, to compare with a table.
private struct EmulatedShape {
    let names: [String]
    var text: String { names.joined(separator: "/") }

    init(_ path: EmulatedPath) { names = path.names }

    /// Whether the path is that of a row, whose stars stand for any name.
    func isBelow(_ row: String) -> Bool {
        let parts = row.split(separator: "/")
        return parts.count == names.count && zip(parts, names).allSatisfy { $0 == "*" || $0 == $1 }
    }
}
