import Common
import EC2API
import NoCloudAPI
import OpenStackAPI
import Recording

/// What a scenario may name: the emulator's instances, and paths that exist.
package struct ScenarioNames: Sendable {
    /// The names of the emulator's instances.
    package let instances: [String]
    /// Paths that exist besides those of the server's own tables: those of a recorded server, and those that were declared.
    private var recorded: [EmulatedPath.Tree: Set<[String]>]
    /// Whether a server was recorded, which may have other versions.
    private let hasRecording: Bool

    /// - Parameter targets: paths of recorded servers, with their versions.
    package init(instances: [String], targets: [String] = []) {
        self.instances = instances
        hasRecording = !targets.isEmpty
        // A version that only the recorded server has cannot be named in a scenario.
        let paths = targets.compactMap { try? EmulatedPath($0) }
        recorded = Dictionary(grouping: paths) { $0.tree }.mapValues { Set($0.map(\.names)) }
    }

    package init(of instances: [EmulatedInstance]) {
        let targets = instances.compactMap { $0.recording?.recording.responses.filter { $0.status == 200 } }
        self.init(instances: instances.map(\.name), targets: targets.joined().map(\.target).filter { !$0.hasSuffix("/") })
    }

    /// The same names, with paths that are meant although no table has them.
    package func declaring(_ paths: [EmulatedPath]) -> ScenarioNames {
        var names = self
        for path in paths { names.recorded[path.tree, default: []].insert(path.names) }
        return names
    }

    /// Why a value cannot be set at a path, or is not likely to be meant there.
    package enum PathProblem: Sendable, CustomStringConvertible {
        case directory(String)
        /// No instance has the path; what may be meant, as ``PathAdvice`` says it.
        case unknown(String, advice: String)

        package var description: String {
            switch self {
            case .directory(let text): "'\(text.cleaned())' is a directory: expected the path of a value below it"
            case .unknown(let text, let advice): "no path '\(text.cleaned())'\(advice)"
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
        throw EmulatorError("\(problem); to use a path that no instance can have, list it in 'new-paths'")
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
        return .unknown(text, advice: advice.sentence(about: path, as: text, mayBeDirectory: mayBeDirectory))
    }

    /// Why no request that a pattern matches can find anything; `nil` where instances may have a path that it matches.
    package func problem(with pattern: PathPattern) -> String? {
        let trees: [(EmulatedPath.Tree, table: [[PathPattern.Word]], roots: [[PathPattern.Word]])] = [
            (.ec2, Self.ec2Requests, versions(EC2Version.names).flatMap { [[$0], [.name("ec2"), $0]] }),
            (.openStack, Self.openStackRequests, versions(OpenStackVersion.names).map { [.name("openstack"), $0] }),
            (.noCloud, Self.noCloudRequests, [[.name("nocloud")]]),
        ]
        for (_, table, roots) in trees {
            for root in roots where (1...root.count).contains(where: { pattern.mayMatch(Array(root.prefix($0))) }) { return nil }
            if roots.contains(where: { root in table.contains { pattern.mayMatch(root + $0) } }) { return nil }
        }
        for (tree, _, roots) in trees {
            let own = Self.requests(of: recorded[tree] ?? [])
            if roots.contains(where: { root in own.contains { pattern.mayMatch(root + $0) } }) { return nil }
        }
        if pattern.mayMatch([]) || pattern.mayMatch([.name("openstack"), .name("content"), .one(of: Self.contentNames)]) {
            return nil
        }
        let near = advice.pattern(like: pattern.description).map { [$0] } ?? []
        return "no instance has a path that '\(pattern)' matches\(PathAdvice.question(near))"
    }

    private func versions(_ names: [String]) -> [PathPattern.Word] { [.one(of: names)] + (hasRecording ? [.any] : []) }

    private var advice: PathAdvice {
        let ec2 = (Self.ec2.map(Self.names) + (recorded[.ec2] ?? [])).map { $0.first == "meta-data" ? Array($0.dropFirst()) : $0 }
        let openStack = (Self.openStack.map(Self.names) + (recorded[.openStack] ?? [])).map { ["openstack"] + $0 }
        let noCloud = (Self.noCloud.map(Self.names) + (recorded[.noCloud] ?? [])).map { ["nocloud"] + $0 }
        return PathAdvice(known: (ec2 + openStack + noCloud).filter { !$0.isEmpty })
    }

    /// The paths below a version that clients may request: those of rows, and their directories.
    private static func requests(of rows: some Sequence<[String]>) -> [[PathPattern.Word]] {
        Set(rows.flatMap { row in (1...max(1, row.count)).map { Array(row.prefix($0)) } }).map { names in
            names.map { $0 == "*" ? .any : .name($0) }
        }
    }

    /// Injected files are numbered.
    private static let contentNames = (0..<100).map { "00" + ($0 < 10 ? "0" : "") + "\($0)" }
    private static let ec2Requests = requests(of: ec2.map(names))
    private static let openStackRequests = requests(of: openStack.map(names))
    private static let noCloudRequests = requests(of: noCloud.map(names))

    private static func names(of row: String) -> [String] { row.split(separator: "/").map(String.init) }

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
