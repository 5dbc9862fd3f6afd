import Common
import XML

/// Values for elements that a domain's XML lacks: for all instances, and for those on a network.
package struct InstanceDefaults: Sendable, Equatable {
    /// One set of defaults.
    package struct Layer: Sendable, Equatable {
        fileprivate let metadata: OperatorMetadata?
        /// The domain to append to host names without a dot.
        fileprivate let domain: String?
        /// The values as XML, for comparison.
        private let element: String?

        /// - Parameters:
        ///   - assignments: paths and values, as in the operator's element.
        ///   - domain: the domain to append to host names without a dot.
        /// - Throws: ``DefinitionFailure`` with the path of a value that is unusable, or that only a single instance can have.
        package init(_ assignments: [InstanceElement.Assignment] = [], domain: String? = nil) throws(DefinitionFailure) {
            var instance = InstanceElement(nil)
            for assignment in assignments {
                try Self.set(assignment, in: &instance)
                // One after the other, so that each finding belongs to the value that caused it.
                _ = try Self.metadata(of: instance, after: assignment.path)
            }
            if let domain, !Hostname.isValid(domain) {
                throw DefinitionFailure("domain: '\(shown(domain))' is not a valid DNS domain (RFC 1123)")
            }
            metadata = try Self.metadata(of: instance, after: nil)
            (element, self.domain) = (instance.text, domain)
        }

        /// Compares the values as XML.
        package static func == (left: Layer, right: Layer) -> Bool {
            left.element == right.element && left.domain == right.domain
        }

        /// The elements that only a single instance can have.
        private static let own: Set<String> = [
            "instance-id", "name", "hostname", "launch-index", "reservation-id", "interfaces", "disks",
        ]

        private static func set(
            _ assignment: InstanceElement.Assignment, in instance: inout InstanceElement
        ) throws(DefinitionFailure) {
            let first = assignment.path.firstName
            guard !own.contains(first) else {
                throw DefinitionFailure("\(assignment.path): <\(first)> is per-instance and cannot be a default")
            }
            do {
                try instance.set(assignment)
            } catch {
                throw DefinitionFailure("\(assignment.path): \(error)")
            }
        }

        private static func metadata(
            of instance: InstanceElement, after path: ElementPath?
        ) throws(DefinitionFailure) -> OperatorMetadata? {
            do {
                guard let text = try instance.namespaced else { return nil }
                let domain = try XMLDocument(parsing: Array("<domain><metadata>\(text)</metadata></domain>".utf8))
                let metadata = OperatorMetadata(in: domain.root, readsBare: false)
                // The deepest element is the cause: without a usable <key> the <public-key> is none either.
                let unusable = metadata.findings.filter { $0.weight == .unusable }
                guard let finding = unusable.max(by: { $0.element.utf8.count < $1.element.utf8.count }) else {
                    let keys = metadata.access.publicKeys.flatMap(\.formats).filter { $0.name == "openssh-key" }
                    // Stricter than in a domain's XML: the operator who sets a value for all guests is there to correct it.
                    guard keys.allSatisfy({ PublicKeyLine($0.value)?.comment != nil }) else {
                        throw DefinitionFailure("\(path.map { "\($0): " } ?? "")\(PublicKeyLine.expectation)")
                    }
                    return metadata
                }
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

    package init() {
        (all, networks) = (nil, [:])
    }

    /// - Parameters:
    ///   - all: for every instance.
    ///   - networks: for instances on the libvirt network or bridge of that name; these take precedence over `all`.
    package init(all: Layer, networks: [String: Layer] = [:]) {
        (self.all, self.networks) = (all, networks)
    }

    /// The layers that apply to an instance, the most specific first: those of its interfaces' networks in their order, then that for all.
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

    /// Fills in missing values.
    ///
    /// - Returns: the domain to append to host names without a dot.
    func complete(
        _ metadata: inout OperatorMetadata, for interfaces: [(network: String?, bridge: String?)]
    ) -> String? {
        let layers = layers(for: interfaces)
        for layer in layers {
            if let defaults = layer.metadata { metadata.complete(by: defaults) }
        }
        return layers.lazy.compactMap(\.domain).first
    }
}

extension OperatorMetadata {
    /// Copies the values that are missing here: a list as a whole, elements below another one by one.
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
        let placed = Set(placement.map(\.name))
        placement += other.placement.filter { !placed.contains($0.name) }
        access.complete(by: other.access)
        documents.complete(by: other.documents)
        sessions.tokens = sessions.tokens ?? other.sessions.tokens
        sessions.hopLimit = sessions.hopLimit ?? other.sessions.hopLimit
    }
}

extension GuestAccess {
    fileprivate mutating func complete(by other: GuestAccess) {
        if publicKeys.isEmpty { publicKeys = other.publicKeys }
        if securityGroups.isEmpty { securityGroups = other.securityGroups }
        if credentials.isEmpty { credentials = other.credentials }
    }
}

extension OperatorDocuments {
    fileprivate mutating func complete(by other: OperatorDocuments) {
        userData = userData ?? other.userData
        vendorData = vendorData ?? other.vendorData
        additional = additional ?? other.additional
        if files.isEmpty { files = other.files }
        if tags.isEmpty { tags = other.tags }
        verbatim.merge(other.verbatim) { own, _ in own }
    }
}

extension Hostname {
    /// Appends a domain to a host name without a dot, unless the result is too long.
    static func completed(_ name: String, by domain: String?) -> String {
        guard let domain, !name.contains(".") else { return name }
        let longer = "\(name).\(domain)"
        return isValid(longer) ? longer : name
    }
}
