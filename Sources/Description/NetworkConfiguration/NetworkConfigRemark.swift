import YAML

/// An error or a note about the operator's network configuration.
struct NetworkConfigRemark: Sendable, Equatable {
    let weight: Finding.Weight
    /// In the text of the configuration, from 1.
    let line: Int
    /// The path of the value in the configuration, such as `ethernets/lan/dhcp4`; empty for the whole.
    let path: String
    let problem: String

    var description: String { path.isEmpty ? problem : "\(path): \(problem)" }
}

/// The remarks on one configuration, of which the first hundred are kept: no operator reads more.
struct NetworkConfigRemarks: Sendable {
    private static let most = 100

    private(set) var all: [NetworkConfigRemark] = []
    private var omitted = 0
    /// How many of them are notes.
    private var notes = 0

    var hasErrors: Bool { notes < all.count }

    mutating func error(_ node: YAMLNode, _ path: String, _ problem: @autoclosure () -> String) {
        add(.unusable, node.line, path, problem)
    }

    mutating func note(_ node: YAMLNode, _ path: String, _ problem: @autoclosure () -> String) {
        add(.note, node.line, path, problem)
    }

    private mutating func add(_ weight: Finding.Weight, _ line: Int, _ path: String, _ problem: () -> String) {
        guard all.count < Self.most else {
            omitted += 1
            // An error must not be lost among notes.
            if weight == .unusable, notes > 0, let last = all.lastIndex(where: { $0.weight == .note }) {
                all.remove(at: last)
                notes -= 1
                all.append(NetworkConfigRemark(weight: weight, line: line, path: path, problem: problem()))
            }
            return
        }
        if weight == .note { notes += 1 }
        all.append(NetworkConfigRemark(weight: weight, line: line, path: path, problem: problem()))
    }

    /// What says that remarks are left out; `nil` if none are.
    var omission: NetworkConfigRemark? {
        guard omitted > 0, let last = all.last else { return nil }
        return NetworkConfigRemark(weight: .note, line: last.line, path: "", problem: "\(omitted) more remarks are left out")
    }
}
