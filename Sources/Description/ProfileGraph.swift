import Common

/// The profiles of a configuration, and which build on which: without circles, unknown names and endless chains.
struct ProfileGraph: Sendable {
    /// A profile with those that it builds on.
    struct Resolved: Sendable, Equatable {
        /// The profile, with its findings.
        let layer: InstanceDefaults.Layer
        /// The names of all that it builds on, the weakest first, and its own as the last one; each once.
        let names: [String]
    }

    /// The most profiles that one may consist of; longer chains are rather a mistake, and each layer costs time for each domain.
    static let mostLayers = 64

    /// By name.
    private(set) var profiles: [String: Resolved] = [:]
    /// What is wrong with all profiles, in their order.
    private(set) var findings: [Finding] = []

    /// - Parameter layers: in the order of the file; a circle is broken at its last profile in that order.
    init(_ layers: [InstanceDefaults.Layer]) {
        var pending: [(name: String, layer: InstanceDefaults.Layer, builtOn: [OperatorMetadata.ProfileName])] = []
        let known = Set(layers.compactMap(\.profileName))
        for var layer in layers {
            guard let name = layer.profileName else { continue }
            let names = layer.metadata.profiles
            for unknown in names where !known.contains(unknown.name) {
                layer.add(layer.finding(unknown, Self.unknown(unknown.name, among: known)))
            }
            pending.append((name, layer, names.filter { known.contains($0.name) }))
        }
        while !pending.isEmpty {
            let ready = pending.indices.filter { index in pending[index].builtOn.allSatisfy { profiles[$0.name] != nil } }
            for index in ready { resolve(pending[index].name, pending[index].layer, pending[index].builtOn) }
            if ready.isEmpty { Self.breakCircle(in: &pending, resolved: Set(profiles.keys)) }
            pending.removeAll { profiles[$0.name] != nil }
        }
        findings = layers.compactMap(\.profileName).flatMap { profiles[$0]?.layer.findings ?? [] }
    }

    private mutating func resolve(
        _ name: String, _ layer: InstanceDefaults.Layer, _ builtOn: [OperatorMetadata.ProfileName]
    ) {
        var layer = layer
        var (names, seen): ([String], Set<String>) = ([], [])
        for profile in builtOn {
            let more = (profiles[profile.name]?.names ?? []).filter { !seen.contains($0) }
            guard names.count + more.count < Self.mostLayers else {
                let problem =
                    "'\(shown(profile.name))' is ignored: with it, this profile would build on more than \(Self.mostLayers) profiles"
                layer.add(layer.finding(profile, problem))
                continue
            }
            names += more
            seen.formUnion(more)
        }
        profiles[name] = Resolved(layer: layer, names: names + [name])
    }

    /// Removes one name of a profile by which the first pending profile leads back to itself, or to one after it.
    private static func breakCircle(
        in pending: inout [(name: String, layer: InstanceDefaults.Layer, builtOn: [OperatorMetadata.ProfileName])],
        resolved: Set<String>
    ) {
        let positions = Dictionary(uniqueKeysWithValues: pending.enumerated().map { ($0.element.name, $0.offset) })
        var (way, index): ([Int], Int) = ([], 0)
        while true {
            way.append(index)
            guard let next = pending[index].builtOn.first(where: { !resolved.contains($0.name) }),
                let position = positions[next.name]
            else { return }
            if let start = way.firstIndex(of: position) {
                let problem = Self.problem(ofCircle: way[start...].map { pending[$0].name } + [next.name])
                pending[index].layer.add(pending[index].layer.finding(next, problem))
                pending[index].builtOn.removeAll { $0.name == next.name }
                return
            }
            index = position
        }
    }

    /// - Parameter names: the profiles in their order; the first is the last one again.
    private static func problem(ofCircle names: [String]) -> String {
        let shownNames = (names.count > 10 ? Array(names.prefix(5)) + ["…"] + names.suffix(4) : names).map { shown($0) }
        return "the profile includes itself" + (names.count == 2 ? "" : ": \(shownNames.joined(separator: " → "))")
    }

    // MARK: Names

    /// What is wrong with the profiles that a layer names.
    func unknownProfiles(of layer: InstanceDefaults.Layer) -> [Finding] {
        layer.metadata.profiles.filter { profiles[$0.name] == nil }.map { profile in
            layer.finding(profile, Self.unknown(profile.name, among: profiles.keys))
        }
    }

    static func unknown(_ name: String, among known: some Collection<String>, isAdvised: Bool = true) -> String {
        guard isAdvised else { return "unknown profile '\(shown(name))'" }
        let nearest = nearestWord(to: name, among: known).map { "; did you mean '\($0)'?" }
        let names = known.sorted().prefix(10).map { shown($0) }.joined(separator: ", ")
        let expected =
            known.isEmpty
            ? "; the configuration file has no profiles" : "; expected one of \(names)\(known.count > 10 ? ", …" : "")"
        return "unknown profile '\(shown(name))'" + (nearest ?? expected)
    }

    /// Whether a name is rather a value of EC2's path `profile`.
    static func isFormerElement(_ name: String) -> Bool { name.hasPrefix("default-") }
}

extension InstanceDefaults.Layer {
    fileprivate var profileName: String? {
        if case .profile(let name) = kind { name } else { nil }
    }
}
