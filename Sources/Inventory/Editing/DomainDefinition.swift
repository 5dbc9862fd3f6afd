package import Common
import XML

/// Edits a domain's XML and the operator's element in it: SMBIOS entries, values, and the record of both.
package struct DomainDefinition {
    private var document: EditedXML
    private var instance: InstanceElement
    private let original: InstanceElement
    /// The skipped parts of the edits, where the definition was changed since, a sentence each.
    package private(set) var remarks: [String] = []

    /// - Parameters:
    ///   - xml: the domain's XML.
    ///   - element: the operator's element in it, as libvirt returns it.
    package init(_ xml: String, element: String?) throws(ParseError) {
        document = try EditedXML(Array(xml.utf8))
        instance = InstanceElement(element)
        original = instance
    }

    /// The edited XML.
    package var xml: String { document.text }
    /// The edited operator's element, as libvirt accepts it.
    package var element: String? { instance.text }
    /// The domain's XML for comparison by the operator: virt-metadata's elements always have the same layout, regardless of libvirt's, so that two
    /// versions differ only where the content differs.
    package var laidOut: String {
        get throws(ParseError) {
            var shown = document
            let metadata = { (root: XMLElement) in root.first("metadata") }
            if let old = metadata(shown.root)?.first(Vocabulary.root, namespace: Vocabulary.namespace),
                let text = try instance.namespaced
            {
                try shown.replace(old, by: XMLLayout.laidOut(text, indentation: "    "))
            }
            if let old = EnableRecord.element(in: shown.root), let record = EnableRecord(in: shown.root) {
                try shown.replace(old, by: XMLLayout.laidOut(record.xml, indentation: "    "))
            }
            return shown.text
        }
    }
    /// The SMBIOS identity that `enable` wrote, if any.
    package var enabledIdentity: String? { EnableRecord(in: document.root)?.identity }
    /// The SMBIOS identity in the definition, written by `enable` or by hand; `nil` where it has no known one.
    package var presentIdentity: SMBIOSIdentity? {
        guard smbios?.attribute("mode") == "sysinfo", let domain = try? domainXML() else { return nil }
        let entries = entries
        return SMBIOSIdentity.allCases.first { identity in
            identity.entries(for: domain.hardwareUUID ?? domain.uuid).allSatisfy { name, value in entries[name] == value }
        }
    }
    /// The entries of the SMBIOS tables at the next start, for comparison with those of the running guest.
    package var tables: [String: String] { smbios?.attribute("mode") == "sysinfo" ? entries : [:] }

    private var entries: [String: String] {
        let all = system?.all("entry").map { ($0.attribute("name") ?? "", $0.trimmedText) } ?? []
        return Dictionary(all) { first, _ in first }
    }

    // MARK: Values

    /// Writes values into the operator's element.
    package mutating func set(_ assignments: [InstanceElement.Assignment]) throws {
        for assignment in assignments {
            do {
                try instance.set(assignment)
            } catch {
                throw DefinitionFailure("\(assignment.path): \(error)")
            }
        }
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
    /// - Throws: ``DefinitionFailure`` where an entry written by hand, or the domain itself, does not allow it.
    package mutating func enable(_ identity: SMBIOSIdentity?, _ assignments: [InstanceElement.Assignment]) throws {
        let old = EnableRecord(in: document.root) ?? EnableRecord()
        var record = old
        if let identity, record.identity != identity.rawValue || presentIdentity != identity {
            let domain = try domainXML()
            let uuid = domain.hardwareUUID ?? domain.uuid
            if let obstacle = identity.obstacle(uuid: uuid) { throw DefinitionFailure(obstacle) }
            try removeIdentity(&record)
            try write(identity, uuid, &record)
        }
        for assignment in assignments {
            let path = assignment.path
            let (value, before) = (try instance.value(at: path), try instance.written(at: path))
            let known = record.values.first { $0.path == path.description }
            let wasWrittenByEnable = known?.digest == value.map(EnableRecord.digest)
            do {
                try instance.set(assignment)
            } catch {
                throw DefinitionFailure("\(path): \(error)")
            }
            guard let now = try instance.value(at: path), now != value || wasWrittenByEnable else { continue }
            record.values.removeAll { $0.path == path.description }
            let was = wasWrittenByEnable ? known?.was : before
            record.values.append(.init(path: path.description, digest: EnableRecord.digest(of: now), was: was))
        }
        try writeInstance()
        if record != old { try write(record) }
    }

    /// Removes the entries and values that `enable` wrote, except those changed since.
    ///
    /// - Throws: ``DefinitionFailure`` where `enable` has written nothing.
    package mutating func disable() throws {
        guard var record = EnableRecord(in: document.root) else {
            throw DefinitionFailure("`virt-metadata enable` has put nothing into this domain, so there is nothing to take out")
        }
        try removeIdentity(&record)
        try remove(record.values)
        try writeInstance()
        try write(nil)
    }

    /// Another operator's element of the same domain, such as the running domain's, without the values that `enable` wrote.
    package func removingEnabledValues(from element: String?) throws -> String? {
        guard let record = EnableRecord(in: document.root) else { return element }
        var other = self
        other.instance = InstanceElement(element)
        try other.remove(record.values)
        return other.element
    }

    private mutating func remove(_ values: [EnableRecord.Value]) throws {
        for value in values.reversed() {
            let path = try ElementPath(value.path)
            guard let now = try instance.value(at: path) else { continue }
            guard EnableRecord.digest(of: now) == value.digest else {
                remarks.append("\(path) was changed since, and stays")
                continue
            }
            if let was = value.was {
                try instance.restore(was, at: path)
            } else {
                _ = try instance.unset(path)
            }
        }
    }

    // MARK: SMBIOS

    private func domainXML() throws(DefinitionFailure) -> DomainXML {
        do {
            return try DomainXML(document.root)
        } catch {
            throw DefinitionFailure("the domain's XML cannot be used: \(error)")
        }
    }

    private var smbios: XMLElement? { document.root.first("os", "smbios") }
    private var sysinfo: XMLElement? { document.root.all("sysinfo").first { $0.attribute("type") == "smbios" } }
    private var system: XMLElement? { sysinfo?.first("system") }

    private mutating func write(_ identity: SMBIOSIdentity, _ uuid: InstanceUUID, _ record: inout EnableRecord) throws {
        guard let os = document.root.first("os"), os.first("type")?.trimmedText == "hvm" else {
            throw DefinitionFailure(
                "only a domain whose <os><type> is hvm has SMBIOS tables; this one's guest cannot be told there")
        }
        switch smbios?.attribute("mode") {
        case "sysinfo": break
        case "host":
            throw DefinitionFailure(
                "<smbios mode='host'/> shows the guest this host's tables; change it to mode='sysinfo' by `virsh edit` first")
        case let mode?:
            record.mode = mode
            if let smbios { try document.setAttribute("mode", of: smbios, to: "sysinfo") }
        case nil:
            record.made.append("os/smbios")
            try document.append("<smbios mode='sysinfo'/>", to: os)
        }
        if sysinfo == nil {
            record.made.append("sysinfo")
            try document.append("<sysinfo type='smbios'/>", to: document.root)
        }
        if system == nil, let sysinfo {
            record.made.append("sysinfo/system")
            try document.append("<system/>", to: sysinfo)
        }
        record.identity = identity.rawValue
        for (name, value) in identity.entries(for: uuid) {
            guard let system else { break }
            guard let old = system.all("entry").first(where: { $0.attribute("name") == name }) else {
                record.entries.append(.init(name: name, value: value))
                try document.append("<entry name='\(name)'>\(XMLEscaping.content(value))</entry>", to: system)
                continue
            }
            guard old.trimmedText == value else {
                throw DefinitionFailure(
                    """
                    <sysinfo> has <entry name='\(name)'>\(shown(old.trimmedText))</entry>, which somebody wrote and --identity \
                    \(identity.rawValue) needs to be '\(value)'; take it out by `virsh edit`, or choose another identity
                    """)
            }
        }
    }

    private mutating func removeIdentity(_ record: inout EnableRecord) throws {
        var keepsEntries = false
        for entry in record.entries {
            guard let element = system?.all("entry").first(where: { $0.attribute("name") == entry.name }) else { continue }
            if element.trimmedText == entry.value {
                try document.remove(element)
            } else {
                remarks.append("<entry name='\(entry.name)'> was changed since, and stays")
                keepsEntries = true
            }
        }
        if record.made.contains("sysinfo/system"), let system, !system.hasChildElements { try document.remove(system) }
        if record.made.contains("sysinfo"), let sysinfo, !sysinfo.hasChildElements { try document.remove(sysinfo) }
        // An entry that was added since stays visible to the guest.
        keepsEntries = keepsEntries || (record.made.contains("sysinfo/system") && system != nil)
        if !keepsEntries, let smbios {
            if record.made.contains("os/smbios") { try document.remove(smbios) }
            if let mode = record.mode { try document.setAttribute("mode", of: smbios, to: mode) }
        }
        (record.identity, record.mode, record.made, record.entries) = (nil, nil, [], [])
    }

    // MARK: Metadata

    private mutating func writeInstance() throws(ParseError) {
        guard instance != original else { return }
        let old = document.root.first("metadata")?.first(Vocabulary.root, namespace: Vocabulary.namespace)
        try write(try instance.namespaced, inPlaceOf: old)
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
            if let metadata = document.root.first("metadata") { try document.append(fragment, to: metadata) }
        case (nil, let old?):
            try document.remove(old)
            if let metadata = document.root.first("metadata"), !metadata.hasChildElements { try document.remove(metadata) }
        case (nil, nil): break
        }
    }
}
