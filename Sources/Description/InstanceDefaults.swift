package import Common
import XML

/// What is told to many: values for elements that a domain's XML lacks, for all instances, for those on a network, and for those that
/// name a profile.
package struct InstanceDefaults: Sendable, Equatable {
    private let all: Layer?
    private let networks: [LibvirtName: Layer]
    /// By name, each with the profiles that it builds on, the weakest first.
    private let profiles: [String: ProfileGraph.Resolved]
    /// What is wrong with the values of the defaults, and of networks.
    package let defaultFindings: [Finding]
    /// What is wrong with the values of profiles, and with the names of profiles that do not exist.
    package let profileFindings: [Finding]

    /// Whether there is no configuration to look profiles up in.
    private var isUnread = false

    package init() {
        (all, networks, profiles, defaultFindings, profileFindings) = (nil, [:], [:], [], [])
    }

    /// For a file that is edited without a configuration: its profiles are another host's.
    package static var unread: InstanceDefaults {
        var defaults = InstanceDefaults()
        defaults.isUnread = true
        return defaults
    }

    /// - Parameters:
    ///   - all: for every instance.
    ///   - networks: for instances on the libvirt network or bridge of that name; these take precedence over `all`.
    ///   - profiles: for instances that name them, and for layers that do; in the order of the file.
    package init(all: Layer? = nil, networks: [LibvirtName: Layer] = [:], profiles: [Layer] = []) {
        let graph = ProfileGraph(profiles)
        self.profiles = graph.profiles
        (self.all, self.networks) = (all, networks)
        let layers = [all].compactMap(\.self) + networks.sorted { $0.key.text < $1.key.text }.map(\.value)
        defaultFindings = layers.flatMap(\.findings).ordered()
        let names = layers.flatMap { graph.unknownProfiles(of: $0) }
        profileFindings = (names + graph.findings).ordered()
    }

    /// The names of the profiles, in the order of the alphabet.
    package var profileNames: [String] { profiles.keys.sorted() }

    /// The keys of the configuration file whose values differ.
    package func differences(from other: InstanceDefaults) -> [String] {
        let isSame = all == other.all && networks == other.networks && defaultFindings == other.defaultFindings
        let profilesAreSame = profiles == other.profiles && profileFindings == other.profileFindings
        return (isSame ? [] : ["defaults"]) + (profilesAreSame ? [] : ["profiles"])
    }

    // MARK: Completing an instance

    /// For how many unknown profiles of a domain the nearest name is looked for.
    private static let mostAdvice = 64

    /// An interface of a domain, as far as it selects defaults.
    struct Attachment {
        let network: LibvirtName?
        let bridge: String?
        /// The line of the interface.
        let line: Int
        /// What the libvirt network's own XML says.
        let metadata: NetworkMetadata?
    }

    /// Completes an instance's values by what is told to many.
    ///
    /// - Parameter interfaces: in the order of the domain's XML: the first is the strongest.
    /// - Returns: the domain to append to host names without a dot.
    func complete(_ metadata: inout OperatorMetadata, for interfaces: [Attachment]) -> String? {
        var layers = LayerStack()
        if let all { layers.add(all, in: profiles) }
        // A domain may have hundreds of interfaces on one network.
        var (seen, said): (Set<LibvirtName>, Set<LibvirtName>) = ([], [])
        var advice = Self.mostAdvice
        for interface in interfaces.reversed() {
            if let name = [interface.network, interface.bridge.map { LibvirtName($0) }].compactMap(\.self).first(where: {
                networks[$0] != nil
            }),
                let layer = networks[name], seen.insert(name).inserted
            {
                layers.add(layer, in: profiles)
            }
            if let network = interface.network, let own = interface.metadata, said.insert(network).inserted {
                addProfiles(of: network, own, interface.line, to: &layers, &metadata, &advice)
            }
        }
        let own = metadata.profiles
        addProfiles(own, to: &layers, &metadata, &advice) { profile, problem in
            Finding(.unusable, line: profile.line, element: "profile", problem)
        }
        for layer in layers.layers.reversed() { metadata.complete(by: layer) }
        let naming = layers.layers.last { $0.domain != nil }
        if metadata.origins != nil { metadata.domainOrigin = naming?.domainOrigin }
        return naming?.domain
    }

    private func addProfiles(
        of network: LibvirtName, _ said: NetworkMetadata, _ line: Int, to layers: inout LayerStack,
        _ metadata: inout OperatorMetadata, _ advice: inout Int
    ) {
        func finding(_ problem: String) -> Finding {
            let text = "the XML of the network '\(shown(network.text))' \(problem)"
            return Finding(.unusable, line: line, element: "devices/interface/source", text)
        }
        if let first = said.unusedElements.first {
            metadata.findings.append(finding("has <\(shown(first))>: only <profile> applies to a network"))
        }
        addProfiles(said.profiles, to: &layers, &metadata, &advice) { _, problem in finding("names an \(problem)") }
    }

    private func addProfiles(
        _ names: [OperatorMetadata.ProfileName], to layers: inout LayerStack, _ metadata: inout OperatorMetadata,
        _ advice: inout Int,
        finding: (OperatorMetadata.ProfileName, String) -> Finding
    ) {
        for profile in names {
            if let resolved = profiles[profile.name] {
                layers.add(resolved, in: profiles)
            } else if ProfileGraph.isFormerElement(profile.name) {
                // Before there were profiles, the element had the value of EC2's path of that name.
                metadata.documents.verbatim["profile"] = metadata.documents.verbatim["profile"] ?? profile.name
                let problem =
                    "<profile> names a profile of the configuration; for EC2's path 'profile' write <ec2-profile> (a value "
                    + "'default-…' is still accepted here)"
                metadata.findings.append(Finding(.note, line: profile.line, element: "profile", problem))
            } else if !isUnread {
                // To look for the nearest name takes time for each profile.
                metadata.findings.append(
                    finding(profile, ProfileGraph.unknown(profile.name, among: profiles.keys, isAdvised: advice > 0)))
                advice -= 1
            }
        }
    }
}

/// The layers that complete an instance, the weakest first, each once: where it was needed first, below all that builds on it.
private struct LayerStack {
    private(set) var layers: [InstanceDefaults.Layer] = []
    private var profiles: Set<String> = []

    mutating func add(_ layer: InstanceDefaults.Layer, in all: [String: ProfileGraph.Resolved]) {
        for profile in layer.metadata.profiles {
            if let resolved = all[profile.name] { add(resolved, in: all) }
        }
        layers.append(layer)
    }

    mutating func add(_ profile: ProfileGraph.Resolved, in all: [String: ProfileGraph.Resolved]) {
        for name in profile.names where profiles.insert(name).inserted {
            if let layer = all[name]?.layer { layers.append(layer) }
        }
    }
}

extension OperatorMetadata {
    /// Copies what is missing here from a weaker layer, with the findings of that layer.
    fileprivate mutating func complete(by layer: InstanceDefaults.Layer) {
        findings += layer.findings
        for value in LayeredValue.all {
            guard origins != nil else {
                value.complete(&self, layer.metadata)
                continue
            }
            let before = Set(value.entries(self).map(\.id))
            value.complete(&self, layer.metadata)
            for entry in value.entries(self) where !before.contains(entry.id) {
                origins?[entry.id] = layer.origin(of: entry)
            }
        }
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
