import Common
import XML

extension InstanceDefaults {
    /// One set of values that is told to many: the defaults for all, those of a network, or a profile.
    package struct Layer: Sendable, Equatable {
        /// Whom the layer is for.
        package enum Kind: Sendable, Equatable {
            case all
            /// Instances on the libvirt network or bridge of that name.
            case network(String)
            /// Instances and layers that name it.
            case profile(String)

            /// How the configuration file names it.
            package var location: String {
                switch self {
                case .all: "defaults"
                case .network(let name): "defaults: networks: \(name)"
                case .profile(let name): "profiles: \(name)"
                }
            }
        }

        package let kind: Kind
        /// The usable values.
        let metadata: OperatorMetadata
        /// The domain to append to host names without a dot.
        let domain: String?
        /// What is wrong with its values, and notes on them.
        private(set) var findings: [Finding]
        /// The file of the values; `nil` where there is none.
        let file: String?
        /// The line of the layer.
        let line: Int
        private let domainLine: Int
        /// The lines of the values, by `LayeredValue.Entry.id`.
        private let lines: [String: Int]
        /// The values as XML, for comparison.
        private let element: String?

        /// - Parameters:
        ///   - values: those that only a single instance can have are findings.
        ///   - domain: the domain to append to host names without a dot.
        ///   - merge: how the lists relate to those of weaker layers, where a list does not say so itself.
        ///   - file: the name of the file, for errors.
        package init(
            _ kind: Kind, _ values: [SharedValue], domain: (name: String, line: Int)? = nil, merge: ListMerge? = nil,
            file: String? = nil, line: Int
        ) {
            var findings: [Finding] = []
            func add(_ weight: Finding.Weight, _ line: Int, _ path: String, _ problem: String) {
                let element = file == nil ? path : "\(kind.location): \(path)"
                findings.append(Finding(weight, line: line, element: element, problem, file: file))
            }
            var shared = values
            shared.removeAll { value in
                let first = value.path.firstName
                guard Self.own.contains(first) else { return false }
                add(.unusable, value.line, "\(value.path)", "<\(first)> is per-instance and cannot be a default")
                return true
            }
            let written = SharedElement(shared) { value, reason in add(.unusable, value.line, "\(value.path)", reason) }
            var metadata = OperatorMetadata()
            var lines: [String: Int] = [:]
            if let text = written.text {
                do throws(ParseError) {
                    let root = try XMLDocument(parsing: Array(text.utf8), limit: Self.mostBytes).root
                    metadata = OperatorMetadata(shared: root)
                    lines = ElementLines.lines(of: root).mapValues { written.value(atLine: $0)?.line ?? line }
                } catch {
                    add(.unusable, line, "values", "\(error)")
                }
            }
            for finding in Self.causes(metadata.findings, owner: written.owner) {
                let value = written.value(atLine: finding.line)
                add(finding.weight, value?.line ?? line, value.map { "\($0.path)" } ?? finding.element, finding.problem)
            }
            metadata.findings = []
            for index in metadata.userDataParts.indices {
                let value = written.value(atLine: metadata.userDataParts[index].line)
                (metadata.userDataParts[index].line, metadata.userDataParts[index].file) = (value?.line ?? line, file)
            }
            metadata.profiles = metadata.profiles.map { profile in
                .init(name: profile.name, line: written.value(atLine: profile.line)?.line ?? line)
            }
            for (index, shared) in metadata.sharedInterfaces.enumerated() {
                let value = written.value(atLine: shared.values.line)
                if case .network(let name) = kind, shared.selection == .all {
                    metadata.sharedInterfaces[index].selection = .network(name)
                }
                metadata.sharedInterfaces[index].origin = Self.origin(kind, file, value?.line ?? line)
                for (name, text) in shared.values.entries {
                    let path = "interfaces/interface[\(shared.selection.key)]/\(name)"
                    let own = lines[LayeredValue.Entry(path: path, text: nil, discriminator: text).id]
                    metadata.sharedInterfaces[index].origins["\(name) \(text)"] = own.map { Self.origin(kind, file, $0) }
                }
            }
            if let merge {
                for name in LayeredValue.mergeable where metadata.merges[name] == nil && metadata.has(name) {
                    metadata.merges[name] = merge
                }
            }
            if let domain, !Hostname.isValid(domain.name) {
                add(.unusable, domain.line, "domain", "'\(shown(domain.name))' is not a valid DNS domain (RFC 1123)")
                self.domain = nil
            } else {
                self.domain = domain?.name
            }
            (self.kind, self.metadata, self.findings, self.file, self.line) = (kind, metadata, findings, file, line)
            domainLine = domain?.line ?? line
            (self.lines, element) = (lines, (written.text ?? "") + (merge?.rawValue ?? ""))
        }

        /// A layer whose values are all usable.
        ///
        /// - Throws: ``DefinitionFailure`` with the path of a value that is unusable, or that only a single instance can have.
        package init(_ assignments: [InstanceElement.Assignment] = [], domain: String? = nil) throws(DefinitionFailure) {
            let values = assignments.map { SharedValue($0.path, $0.value, adds: $0.adds, line: 1) }
            self.init(.all, values, domain: domain.map { ($0, 1) }, line: 1)
            guard let fault = findings.first(where: { $0.weight == .unusable }) else { return }
            throw DefinitionFailure("\(fault.element): \(fault.problem)")
        }

        /// Compares the values, not their lines.
        package static func == (left: Layer, right: Layer) -> Bool {
            left.kind == right.kind && left.element == right.element && left.domain == right.domain
                && left.findings == right.findings
        }

        /// The elements that only a single instance can have.
        private static let own: Set<String> = [
            "instance-id", "name", "hostname", "launch-index", "reservation-id", "provider-id", "disks", "network-config",
        ]

        /// The most bytes of a layer as XML: those of the configuration file, and what escapes add.
        private static let mostBytes = 64 << 20

        /// The findings without those that follow from another one of the same value: without a usable `<key>` the `<public-key>` is
        /// none either.
        private static func causes(_ findings: [Finding], owner: (Int) -> Int?) -> [Finding] {
            let unusable = findings.filter { $0.weight == .unusable }
            return findings.filter { finding in
                !unusable.contains { $0.element.hasPrefix(finding.element + "/") && owner($0.line) == owner(finding.line) }
            }
        }

        // MARK: Use

        /// The findings that concern an instance which the layer is for.
        mutating func add(_ finding: Finding) { findings.append(finding) }

        func finding(_ profile: OperatorMetadata.ProfileName, _ problem: String) -> Finding {
            let element = "\(kind.location): profile"
            return Finding(.unusable, line: profile.line, element: element, problem, file: file)
        }

        /// Where a value of the layer comes from.
        func origin(of entry: LayeredValue.Entry) -> ValueOrigin {
            Self.origin(kind, file, entry.line ?? lines[entry.id] ?? line)
        }

        /// Where its domain of host names comes from.
        var domainOrigin: ValueOrigin { Self.origin(kind, file, domainLine) }

        private static func origin(_ kind: Kind, _ file: String?, _ line: Int) -> ValueOrigin {
            switch kind {
            case .all: .defaults(file: file, line: line)
            case .network(let name): .network(name, file: file, line: line)
            case .profile(let name): .profile(name, file: file, line: line)
            }
        }
    }
}

extension OperatorMetadata {
    /// Whether a list has items.
    fileprivate func has(_ name: String) -> Bool {
        LayeredValue.all.first { $0.name == name }.map { !$0.entries(self).isEmpty } ?? false
    }
}
