package import Common
import EC2API
import OpenStackAPI

/// A view with the values of an emulator's user in place of its own: every path that is set is listed, and none that is removed.
package struct OverlaidView: MetadataView {
    let base: any MetadataView
    let tree: EmulatedPath.Tree
    let values: EmulatedValues

    package var name: String { base.name }
    package var root: TreePath { base.root }

    package init(_ base: any MetadataView, tree: EmulatedPath.Tree, values: EmulatedValues) {
        (self.base, self.tree, self.values) = (base, tree, values)
    }

    package func publicNode(at path: TreePath) -> Node? { base.publicNode(at: path) }

    package func json(of directory: Directory, at path: TreePath) -> Node? { base.json(of: directory, at: path) }

    /// A removed path has no operation either: without `api/token` there are no sessions, as with version 1 of Amazon's service.
    package func operation(at path: TreePath) -> Operation? {
        guard let operation = base.operation(at: path) else { return nil }
        guard let place = place(of: path) else { return operation }
        return change(at: place, in: settings(for: place)) == .absent ? nil : operation
    }

    package func node(at path: TreePath, for question: Question) -> Node? {
        guard let place = place(of: path) else { return base.node(at: path, for: question) }
        let settings = settings(for: place)
        guard !settings.isEmpty else { return base.node(at: path, for: question) }
        return node(at: path, place, settings, question)
    }

    // MARK: Where a path is

    /// A path below a version.
    private struct Place {
        /// Empty for a tree without versions.
        let version: String
        let names: ArraySlice<String>
    }

    /// `nil` for the list of versions, which is not changed.
    private func place(of path: TreePath) -> Place? {
        var names = path.names[...]
        if tree != .ec2 || names.first == "ec2" { names.removeFirst() }
        if tree == .noCloud { return Place(version: "", names: names) }
        return names.popFirst().map { Place(version: $0, names: names) }
    }

    /// Whether settings change what is at a path, or the listing of what is below it.
    func isChanged(at path: TreePath) -> Bool { place(of: path).map { !settings(for: $0).isEmpty } ?? false }

    /// The settings in a place's version at, above or below it.
    private func settings(for place: Place) -> [EmulatedValues.Setting] {
        values.current.filter { setting in
            guard setting.path.tree == tree, isIn(setting.path, version: place.version) else { return false }
            return setting.path.names.starts(with: place.names) || place.names.starts(with: setting.path.names)
        }
    }

    /// Whether a setting's path is in a version: an entry that the server's own table has begins with the version that introduced it.
    private func isIn(_ path: EmulatedPath, version: String) -> Bool {
        switch tree {
        case .noCloud: return true
        case .ec2:
            guard path.version == nil else { return path.version == version }
            guard let version = EC2Version(name: version) else { return base is RecordedTree }
            return Self.introduced[path.names.joined(separator: "/")].map { $0 <= version } ?? true
        case .openStack:
            guard path.version == nil else { return path.version == version }
            guard let version = OpenStackVersion(name: version) else { return base is RecordedTree }
            return Self.introducedFiles[path.names.joined(separator: "/")].map { $0 <= version } ?? true
        }
    }

    private static let introduced = Dictionary(
        EC2View.entries.map { ($0.path, $0.since) }, uniquingKeysWith: { first, _ in first })
    private static let introducedFiles = Dictionary(
        OpenStackView.files.map { ($0.name, $0.since) }, uniquingKeysWith: { first, _ in first })

    // MARK: The changed tree

    private enum Change: Equatable {
        case absent, content, none
    }

    /// What the settings do at a place as a whole; members of its document aside.
    private func change(at place: Place, in settings: [EmulatedValues.Setting]) -> Change {
        for setting in settings.reversed() where setting.path.member == nil && place.names.starts(with: setting.path.names) {
            switch setting.value {
            case .absent: return .absent
            // Nothing is below a leaf.
            case .content: return setting.path.names.count == place.names.count ? .content : .absent
            case .member: break
            }
        }
        return .none
    }

    private func node(
        at path: TreePath, _ place: Place, _ settings: [EmulatedValues.Setting], _ question: Question
    ) -> Node? {
        switch change(at: place, in: settings) {
        case .absent where !hasValue(below: place, settings): return nil
        case .content: return content(at: place, settings)
        case .absent: return directory(nil, at: path, place, settings, question)
        case .none: break
        }
        let own = base.node(at: path, for: question)
        let members = settings.filter { $0.path.member != nil && $0.path.names.elementsEqual(place.names) }
        if !members.isEmpty, let own { return document(own, members) }
        let below = settings.filter { $0.path.member == nil && $0.path.names.count > place.names.count }
        guard !below.isEmpty else { return own }
        return directory(own, at: path, place, below, question)
    }

    /// Whether a value is set below a place, after the place itself was removed.
    private func hasValue(below place: Place, _ settings: [EmulatedValues.Setting]) -> Bool {
        settings.contains { setting in
            guard case .content = setting.value else { return false }
            return setting.path.names.count > place.names.count && setting.path.names.starts(with: place.names)
        }
    }

    private func content(at place: Place, _ settings: [EmulatedValues.Setting]) -> Node? {
        for setting in settings.reversed() where setting.path.names.elementsEqual(place.names) {
            guard case .content(let content) = setting.value else { continue }
            if content.type == .json { return .document(.json) { () throws(Unsigned) in content.bytes } }
            return .bytes(content.bytes)
        }
        return nil
    }

    /// A document with changed members; a text that is no JSON is left as it is.
    private func document(_ own: Node, _ settings: [EmulatedValues.Setting]) -> Node {
        .document(.json) { () throws(Unsigned) in
            var bytes = try own.content.bytes
            for setting in settings {
                guard let member = setting.path.member else { continue }
                var value: JSONValue?
                if case .member(let new) = setting.value { value = new }
                bytes = JSONDocument.bytes(bytes, setting: member[...], to: value) ?? bytes
            }
            return bytes
        }
    }

    /// The directory with the entries that the settings add, and without those that they remove.
    private func directory(
        _ own: Node?, at path: TreePath, _ place: Place, _ settings: [EmulatedValues.Setting], _ question: Question
    ) -> Node? {
        var members: [Directory.Member] = []
        if case .directory(let directory) = own { members = directory.members }
        var changed: [String] = []
        for setting in settings where setting.path.names.count > place.names.count {
            let name = setting.path.names[place.names.count]
            if !changed.contains(name) { changed.append(name) }
        }
        for name in changed {
            let childPath = TreePath(path.names + [name])
            let index = members.firstIndex { $0.name == name }
            guard let child = node(at: childPath, for: question) else {
                if let index { members.remove(at: index) }
                continue
            }
            var (isDirectory, label) = (false, String?.none)
            if case .directory = child { isDirectory = true }
            // `0=key` and the like stay as they are.
            if let index, members[index].label != name, members[index].label != name + "/" { label = members[index].label }
            let member = Directory.Member(name, isDirectory: isDirectory, label: label) { [self] in
                node(at: childPath, for: question)
            }
            if let index { members[index] = member } else { members.append(member) }
        }
        // Amazon sorts its listings; Nova's have the order of their table, after which new files follow.
        if tree == .ec2 { members.sort { $0.name.unicodeScalars.lexicographicallyPrecedes($1.name.unicodeScalars) } }
        return Directory(members).map(Node.directory)
    }
}
