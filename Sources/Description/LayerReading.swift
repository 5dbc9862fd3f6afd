import Common
import XML

/// Reads the values of a layer, as those of a domain's element are read; every line is then one of the file.
struct LayerReading {
    /// The elements that only a single instance can have.
    private static let own: Set<String> = [
        "instance-id", "name", "hostname", "launch-index", "reservation-id", "provider-id", "disks", "network-config",
    ]

    /// The most bytes of a layer as XML: those of the configuration file, and what escapes add.
    private static let mostBytes = 64 << 20

    private let kind: InstanceDefaults.Layer.Kind
    private let file: String?
    private let line: Int
    private(set) var metadata = OperatorMetadata()
    private(set) var findings: [Finding] = []
    /// The lines of the values, by `LayeredValue.Entry.id`.
    private(set) var lines: [String: Int] = [:]
    /// The values as XML; `nil` without any.
    private(set) var text: String?

    init(_ kind: InstanceDefaults.Layer.Kind, file: String?, line: Int) {
        (self.kind, self.file, self.line) = (kind, file, line)
    }

    mutating func add(_ weight: Finding.Weight, _ line: Int, _ path: String, _ problem: String) {
        let element = file == nil ? path : "\(kind.location): \(path)"
        findings.append(Finding(weight, line: line, element: element, problem, file: file))
    }

    mutating func read(_ values: [SharedValue]) {
        let shared = values.filter { !Self.own.contains($0.path.firstName) }
        for value in values where Self.own.contains(value.path.firstName) {
            add(.unusable, value.line, "\(value.path)", "<\(value.path.firstName)> is per-instance and cannot be a default")
        }
        let written = SharedElement(shared) { value, reason in add(.unusable, value.line, "\(value.path)", reason) }
        text = written.text
        guard let text else { return }
        do throws(ParseError) {
            let root = try XMLDocument(parsing: Array(text.utf8), limit: Self.mostBytes).root
            metadata = OperatorMetadata(shared: root)
            lines = ElementLines.lines(of: root).mapValues { written.value(atLine: $0)?.line ?? line }
        } catch {
            return add(.unusable, line, "values", "\(error)")
        }
        for finding in Self.causes(metadata.findings, owner: written.owner) {
            let value = written.value(atLine: finding.line)
            add(finding.weight, value?.line ?? line, value.map { "\($0.path)" } ?? finding.element, finding.problem)
        }
        metadata.findings = []
        removeUnusableKeys()
        locate(by: written)
    }

    /// The findings without those that follow from another one of the same value: without a usable `<key>` the `<public-key>` is none
    /// either.
    private static func causes(_ findings: [Finding], owner: (Int) -> Int?) -> [Finding] {
        let unusable = findings.filter { $0.weight == .unusable }
        return findings.filter { finding in
            !unusable.contains { $0.element.hasPrefix(finding.element + "/") && owner($0.line) == owner(finding.line) }
        }
    }

    /// Stricter than in a domain's XML: the operator who sets a value for all guests is there to correct it.
    private mutating func removeUnusableKeys() {
        for key in metadata.access.publicKeys {
            let text = key.formats.first { $0.name == "openssh-key" }?.value
            guard let text, PublicKeyLine(text)?.comment == nil else { continue }
            let path = "public-keys/public-key[\(key.name)]"
            metadata.access.publicKeys.removeAll { $0.name == key.name }
            add(.unusable, lineOf(path), path + "/key", PublicKeyLine.expectation)
        }
    }

    private func lineOf(_ path: String) -> Int { lines[LayeredValue.Entry(path: path, text: nil).id] ?? line }

    /// Gives values that know their lines those of the file.
    private mutating func locate(by written: SharedElement) {
        for index in metadata.userDataParts.indices {
            let value = written.value(atLine: metadata.userDataParts[index].line)
            (metadata.userDataParts[index].line, metadata.userDataParts[index].file) = (value?.line ?? line, file)
        }
        let vendorData = written.value(atLine: metadata.vendorDataPlace.line)
        metadata.vendorDataPlace = .init(line: vendorData?.line ?? line, file: file)
        metadata.profiles = metadata.profiles.map { profile in
            .init(name: profile.name, line: written.value(atLine: profile.line)?.line ?? line)
        }
        for (index, shared) in metadata.sharedInterfaces.enumerated() {
            if case .network(let name) = kind, shared.selection == .all {
                metadata.sharedInterfaces[index].selection = .network(LibvirtName(name))
            }
            let first = written.value(atLine: shared.values.line)?.line ?? line
            metadata.sharedInterfaces[index].origin = InstanceDefaults.Layer.origin(kind, file, first)
            for (name, text) in shared.values.entries {
                let path = "interfaces/interface[\(shared.selection.key)]/\(name)"
                guard let own = lines[LayeredValue.Entry(path: path, text: nil, discriminator: text).id] else { continue }
                metadata.sharedInterfaces[index].origins["\(name) \(text)"] = InstanceDefaults.Layer.origin(kind, file, own)
            }
        }
    }

    /// Sets how lists relate to those of weaker layers, where they do not say so themselves.
    mutating func merge(by merge: ListMerge) {
        for value in LayeredValue.all where LayeredValue.mergeable.contains(value.name) && metadata.merges[value.name] == nil {
            if !value.entries(metadata).isEmpty { metadata.merges[value.name] = merge }
        }
    }
}
