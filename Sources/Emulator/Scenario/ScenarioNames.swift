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

    /// Why a value cannot be set at a path, or is not likely to be meant there.
    package enum PathProblem: Sendable, CustomStringConvertible {
        case directory(String)
        /// No instance has the path; the path that may be meant.
        case unknown(String, nearest: String?)

        package var description: String {
            switch self {
            case .directory(let text): "'\(text.cleaned())' is a directory: expected the path of a value below it"
            case .unknown(let text, let nearest):
                "no path '\(text.cleaned())'" + (nearest.map { "; did you mean '\($0)'?" } ?? "")
            }
        }
    }

    /// The path that a text names, where it exists.
    ///
    /// - Parameter mayBeDirectory: whether all that is below the path can be meant, as where it is removed.
    /// - Throws: ``EmulatorError`` where a value can not be set at it.
    package func path(_ text: String, isNew: Bool = false, mayBeDirectory: Bool = false) throws(EmulatorError) -> EmulatedPath {
        let path = try EmulatedPath(text)
        guard !isNew, let problem = problem(with: path, as: text, mayBeDirectory: mayBeDirectory) else { return path }
        guard case .unknown = problem else { throw EmulatorError("\(problem)") }
        throw EmulatorError("\(problem); a path that no instance has is declared in 'new-paths'")
    }

    /// What is wrong with a path; `nil` where instances may have it. A member is one of any name: its document is looked up.
    ///
    /// - Parameter text: the path as it was written, for the message.
    package func problem(with path: EmulatedPath, as text: String, mayBeDirectory: Bool = false) -> PathProblem? {
        let shape = EmulatedShape(path)
        if recorded[path.tree]?.contains(path.names) == true || path.version == "content" { return nil }
        let known =
            switch path.tree {
            case .ec2: Self.ec2
            case .openStack: Self.openStack
            case .noCloud: Self.noCloud
            }
        if known.contains(where: shape.isBelow) { return nil }
        let isRecorded = recorded[path.tree]?.contains { $0.count > path.names.count && $0.starts(with: path.names) } == true
        if isRecorded || known.contains(where: shape.isAbove) { return mayBeDirectory ? nil : .directory(text) }
        let nearest = nearestWord(to: Self.relative(shape.text), among: known.map(Self.relative))
        return .unknown(text, nearest: nearest)
    }

    /// A path as people write it.
    private static func relative(_ path: String) -> String {
        path.hasPrefix("meta-data/") ? String(path.dropFirst("meta-data/".count)) : path
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

    /// Whether the path is that of a directory in which the row is.
    func isAbove(_ row: String) -> Bool {
        let parts = row.split(separator: "/")
        return parts.count > names.count && zip(parts, names).allSatisfy { $0 == "*" || $0 == $1 }
    }
}
