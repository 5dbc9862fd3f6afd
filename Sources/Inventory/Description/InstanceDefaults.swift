import Common
import XML

/// What instances say whose operators have left it out: for all of them, and for those that are plugged into a network.
public struct InstanceDefaults: Sendable, Equatable {
    /// One set of defaults.
    public struct Layer: Sendable, Equatable {
        fileprivate let words: OperatorMetadata?
        /// What is added to a host name without a dot.
        fileprivate let domain: String?
        /// The words as they are written, by which two sets are told apart.
        private let element: String?

        /// Puts values to their paths.
        ///
        /// - Parameters:
        ///   - assignments: paths and values, in the operator's vocabulary.
        ///   - domain: the domain of host names that have none.
        /// - Throws: ``DefinitionFailure`` that names the path whose value cannot be used, or cannot be every instance's.
        public init(_ assignments: [InstanceElement.Assignment] = [], domain: String? = nil) throws(DefinitionFailure) {
            var instance = InstanceElement(nil)
            for assignment in assignments {
                try Self.set(assignment, in: &instance)
                // One after the other, so that each finding is of the value that brought it.
                _ = try Self.words(of: instance, after: assignment.path)
            }
            if let domain, !Hostname.isValid(domain) {
                throw DefinitionFailure("domain: '\(shown(domain))' is no domain of host names (RFC 1123)")
            }
            words = try Self.words(of: instance, after: nil)
            (element, self.domain) = (instance.text, domain)
        }

        /// Two sets are the same where the same is written in them.
        public static func == (left: Layer, right: Layer) -> Bool {
            left.element == right.element && left.domain == right.domain
        }

        /// What is one instance's own, whatever the others say.
        private static let own: Set<String> = [
            "instance-id", "name", "hostname", "launch-index", "reservation-id", "interfaces", "disks",
        ]

        private static func set(
            _ assignment: InstanceElement.Assignment, in instance: inout InstanceElement
        ) throws(DefinitionFailure) {
            let first = assignment.path.firstName
            guard !own.contains(first) else {
                throw DefinitionFailure("\(assignment.path): <\(first)> is one instance's own, and no default for all")
            }
            do {
                try instance.set(assignment)
            } catch {
                throw DefinitionFailure("\(assignment.path): \(error)")
            }
        }

        private static func words(
            of instance: InstanceElement, after path: ElementPath?
        ) throws(DefinitionFailure) -> OperatorMetadata? {
            do {
                guard let text = try instance.namespaced else { return nil }
                let domain = try XMLDocument(parsing: Array("<domain><metadata>\(text)</metadata></domain>".utf8))
                let words = OperatorMetadata(in: domain.root, readsBare: false)
                guard let finding = words.findings.first(where: { $0.weight == .unusable }) else { return words }
                throw DefinitionFailure("\(path.map { "\($0)" } ?? finding.element): \(finding.problem)")
            } catch let failure as DefinitionFailure {
                throw failure
            } catch {
                throw DefinitionFailure("\(path.map { "\($0): " } ?? "")\(error)")
            }
        }
    }

    private let all: Layer?
    private let networks: [String: Layer]

    /// Nothing.
    public init() {
        (all, networks) = (nil, [:])
    }

    /// Puts sets together.
    ///
    /// - Parameters:
    ///   - all: for every instance.
    ///   - networks: for the instances that are plugged into a libvirt network, or a bridge, of that name; these come before what
    ///     is for all.
    public init(all: Layer, networks: [String: Layer] = [:]) {
        (self.all, self.networks) = (all, networks)
    }

    /// The sets that are an instance's, the nearest first: those of its interfaces' networks in their order, and that of all.
    private func layers(for interfaces: [(network: String?, bridge: String?)]) -> [Layer] {
        var layers: [Layer] = []
        if !networks.isEmpty {
            layers = interfaces.compactMap { interface in
                interface.network.flatMap { networks[$0] } ?? interface.bridge.flatMap { networks[$0] }
            }
        }
        if let all { layers.append(all) }
        return layers
    }

    /// Says what the operator has left out.
    ///
    /// - Returns: what is added to a host name without a dot.
    func complete(
        _ metadata: inout OperatorMetadata, for interfaces: [(network: String?, bridge: String?)]
    ) -> String? {
        let layers = layers(for: interfaces)
        for layer in layers {
            if let words = layer.words { metadata.complete(by: words) }
        }
        return layers.lazy.compactMap(\.domain).first
    }
}

extension OperatorMetadata {
    /// Takes over the words that are missing here: of a list all or nothing, of what has words below it each.
    fileprivate mutating func complete(by other: OperatorMetadata) {
        type = type ?? other.type
        images.image = images.image ?? other.images.image
        images.manifestPath = images.manifestPath ?? other.images.manifestPath
        images.kernel = images.kernel ?? other.images.kernel
        images.ramdisk = images.ramdisk ?? other.images.ramdisk
        if images.productCodes.isEmpty { images.productCodes = other.images.productCodes }
        if images.ancestors.isEmpty { images.ancestors = other.images.ancestors }
        action = action ?? other.action
        project = project ?? other.project
        owner = owner ?? other.owner
        words.merge(other.words) { own, _ in own }
        if credentials.isEmpty { credentials = other.credentials }
        let placed = Set(placement.map(\.name))
        placement += other.placement.filter { !placed.contains($0.name) }
        if publicKeys.isEmpty { publicKeys = other.publicKeys }
        if securityGroups.isEmpty { securityGroups = other.securityGroups }
        if tags.isEmpty { tags = other.tags }
        userData = userData ?? other.userData
        vendorData = vendorData ?? other.vendorData
        additional = additional ?? other.additional
        if files.isEmpty { files = other.files }
        sessions.tokens = sessions.tokens ?? other.sessions.tokens
        sessions.hopLimit = sessions.hopLimit ?? other.sessions.hopLimit
    }
}

extension Hostname {
    /// A host name in a domain, if it has none and there is room for one.
    static func completed(_ name: String, by domain: String?) -> String {
        guard let domain, !name.contains(".") else { return name }
        let longer = "\(name).\(domain)"
        return isValid(longer) ? longer : name
    }
}
