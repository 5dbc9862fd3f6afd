package import Common
import XML

/// Edits a domain's XML and the operator's element in it: SMBIOS entries, values, and the record of both.
package struct DomainDefinition {
    var document: EditedXML
    private(set) var instance: InstanceElement
    /// The operator's element in the document.
    private var written: InstanceElement
    /// The skipped parts of the edits, where the definition was changed since, a sentence each.
    package internal(set) var remarks: [String] = []

    /// - Parameters:
    ///   - xml: the domain's XML.
    ///   - element: the operator's element in it, as libvirt returns it.
    package init(_ xml: String, element: String?) throws(ParseError) {
        document = try EditedXML(Array(xml.utf8))
        instance = InstanceElement(element)
        written = instance
    }

    /// - Parameter xml: the domain's XML with the operator's element in any form, such as a file's.
    /// - Throws: ``DefinitionFailure`` where it is not a domain, and `ParseError` where it is not XML.
    package init(file xml: String) throws {
        document = try EditedXML(Array(xml.utf8))
        guard document.root.name == "domain", document.root.namespace == nil else {
            throw DefinitionFailure("expected domain XML, found <\(shown(document.root.name))>")
        }
        instance = try InstanceElement(in: document)
        written = instance
    }

    /// The edited XML.
    package var xml: String { document.text }
    /// The edited operator's element, as libvirt accepts it.
    package var element: String? { instance.text }

    /// The names of the elements directly below the operator's element whose content an edit of `old` has changed.
    package func changedElements(since old: DomainDefinition) -> Set<String> {
        let (before, after) = (old.instance.contents, instance.contents)
        return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
    }

    // MARK: Values

    /// Writes values into the operator's element.
    package mutating func set(_ assignments: [InstanceElement.Assignment]) throws {
        for assignment in assignments { try write(assignment) }
        try writeInstance()
    }

    /// Removes values of the operator's element; returns the paths without a value.
    package mutating func unset(_ paths: [ElementPath]) throws -> [ElementPath] {
        var absent: [ElementPath] = []
        for path in paths where try !instance.unset(path) { absent.append(path) }
        try writeInstance()
        return absent
    }

    /// Replaces the operator's element; `nil` removes it.
    package mutating func replaceElement(by text: String?) throws {
        instance = InstanceElement(text)
        try writeInstance()
    }

    // MARK: Enable and disable

    /// Writes an SMBIOS identity and values, and records them. The identity of an earlier `enable` is removed first.
    ///
    /// - Parameters:
    ///   - identity: `nil` to keep one that makes the guest request metadata here; without one, OpenStack's.
    ///   - replaces: whether entries written by hand that contradict the identity are replaced.
    /// - Throws: ``DefinitionFailure`` where an entry written by hand, or the domain itself, does not allow it.
    package mutating func enable(
        _ identity: SMBIOSIdentity?, _ assignments: [InstanceElement.Assignment], replacing replaces: Bool = false
    ) throws {
        let old = EnableRecord(in: document.root) ?? EnableRecord()
        try old.checkSize()
        var record = old
        if let identity = identity ?? (requestsMetadataHere ? nil : .openstack) {
            try write(identity, &record, replacing: replaces)
        }
        for assignment in assignments {
            let path = assignment.path
            let (value, before) = (try instance.value(at: path), try instance.written(at: path))
            let known = record.values.first { $0.path == path.description }
            let wasWrittenByEnable = known?.digest == value.map(EnableRecord.digest)
            try write(assignment)
            guard let now = try instance.value(at: path), now != value || wasWrittenByEnable else { continue }
            record.values.removeAll { $0.path == path.description }
            let was = wasWrittenByEnable ? known?.was : before
            record.values.append(.init(path: path.description, digest: EnableRecord.digest(of: now), was: was))
        }
        try writeInstance()
        if record != old { try write(record) }
    }

    /// The most kept values to name.
    private static let mostKeptNames = 100

    /// Removes the entries and values that `enable` wrote, except those changed since, and remarks which values stay; nothing where `enable` has written nothing.
    package mutating func disable() throws {
        guard var record = EnableRecord(in: document.root) else {
            remarks.append("`virt-metadata enable` has written nothing into this domain")
            return
        }
        try record.checkSize()
        try removeIdentity(&record)
        let changed = try remove(record.values)
        let others = instance.paths.map(\.description).filter { !changed.contains($0) }
        if !others.isEmpty {
            let more = others.count > Self.mostKeptNames ? " and \(others.count - Self.mostKeptNames) more" : ""
            let names = others.prefix(Self.mostKeptNames).joined(separator: ", ")
            remarks.append("not written by `enable`, and kept: \(names)\(more)")
        }
        try writeInstance()
        try write(nil)
    }

    /// Another operator's element of the same domain, such as the running domain's, without the values that `enable` wrote.
    package func removingEnabledValues(from element: String?) throws -> String? {
        guard let record = EnableRecord(in: document.root) else { return element }
        try record.checkSize()
        var other = self
        other.instance = InstanceElement(element)
        _ = try other.remove(record.values)
        return other.element
    }

    /// - Returns: the paths of the values that were changed since, and are kept.
    private mutating func remove(_ values: [EnableRecord.Value]) throws -> Set<String> {
        var kept: Set<String> = []
        for value in values.reversed() {
            let path = try ElementPath(value.path)
            guard let now = try instance.value(at: path) else { continue }
            guard EnableRecord.digest(of: now) == value.digest else {
                remarks.append("\(path) was changed after enable, and is kept")
                kept.insert(path.description)
                continue
            }
            if let was = value.was {
                try instance.restore(was, at: path)
            } else {
                _ = try instance.unset(path)
            }
        }
        return kept
    }

    // MARK: Metadata

    private mutating func write(_ assignment: InstanceElement.Assignment) throws {
        do {
            try instance.set(assignment)
        } catch {
            throw DefinitionFailure("\(assignment.path): \(error)")
        }
    }

    private mutating func writeInstance() throws(ParseError) {
        guard instance != written else { return }
        let old = document.root.first("metadata")?.first(Vocabulary.root, namespace: Vocabulary.namespace)
        try write(try instance.namespaced, inPlaceOf: old)
        written = instance
    }

    private mutating func write(_ record: EnableRecord?) throws(ParseError) {
        let xml = record.flatMap { $0.isEmpty ? nil : $0.xml }
        try write(xml, inPlaceOf: EnableRecord.element(in: document.root))
    }

    private mutating func write(_ fragment: String?, inPlaceOf old: XMLElement?) throws(ParseError) {
        switch (fragment, old) {
        case (let fragment?, let old?): try document.replace(old, by: fragment)
        case (let fragment?, nil):
            if document.root.first("metadata") == nil { try document.append("<metadata/>", to: document.root) }
            guard let metadata = document.root.first("metadata") else { return }
            try document.append(XMLLayout.laidOut(fragment, indentation: Self.indentation), to: metadata)
        case (nil, let old?):
            try document.remove(old)
            if let metadata = document.root.first("metadata"), !metadata.hasChildElements { try document.remove(metadata) }
        case (nil, nil): break
        }
    }

    /// The usual indentation of an element of `<metadata>`.
    static let indentation = "    "
}
