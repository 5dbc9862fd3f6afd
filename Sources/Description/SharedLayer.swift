import Common

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
            var reading = LayerReading(kind, file: file, line: line)
            reading.read(values)
            if let merge { reading.merge(by: merge) }
            if let domain, !Hostname.isValid(domain.name) {
                let problem = "'\(shown(domain.name))' is not a valid DNS domain (RFC 1123)"
                reading.add(.unusable, domain.line, "domain", problem)
                self.domain = nil
            } else {
                self.domain = domain?.name
            }
            (self.kind, self.file, self.line, domainLine) = (kind, file, line, domain?.line ?? line)
            (metadata, findings, lines) = (reading.metadata, reading.findings, reading.lines)
            element = (reading.text ?? "") + (merge?.rawValue ?? "")
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

        static func origin(_ kind: Kind, _ file: String?, _ line: Int) -> ValueOrigin {
            switch kind {
            case .all: .defaults(file: file, line: line)
            case .network(let name): .network(name, file: file, line: line)
            case .profile(let name): .profile(name, file: file, line: line)
            }
        }
    }
}
